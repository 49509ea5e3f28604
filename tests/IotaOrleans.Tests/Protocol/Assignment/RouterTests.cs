using CsCheck;
using IotaOrleans.Protocol.Assignment;

namespace IotaOrleans.Tests.Protocol.Assignment;

public sealed class RouterTests
{
    private static readonly Gen<PeerLoad[]> Peers = Gen.Select(Gen.Double[0.5, 4], Gen.Int[0, 5], Gen.Int[0, 2]).Array[0, 6].Select(peers =>
        peers.Select((peer, index) => new PeerLoad($"p{index}", peer.Item1, peer.Item2, peer.Item3)).ToArray());

    [Fact]
    public void The_peer_that_can_begin_first_is_chosen_among_those_that_take_more() => Gen.Select(Peers, Gen.Long, Gen.Int[0, 5]).ForAll((peers, seed, refused) =>
    {
        var usable = peers.Where(peer => peer.Credits > 0 && peer.Peer != $"p{refused}").ToArray();
        var choice = Router.Choose(peers, seed, new HashSet<string> { $"p{refused}" });

        (choice is null).Should().Be(usable.Length == 0);
        if (choice is not null)
        {
            WorkLeft(usable.Single(peer => peer.Peer == choice)).Should().Be(usable.Min(WorkLeft));
        }

        static double WorkLeft(PeerLoad peer) => peer.Outstanding / peer.Speed;
    });

    [Fact]
    public void Of_several_idle_ones_the_fastest_is_chosen_and_no_idle_one_is_passed_over()
    {
        Router.Choose([new PeerLoad("slow", 1, 0, 1), new PeerLoad("fast", 4, 0, 1)], seed: 7).Should().Be("fast");
        Router.Choose([new PeerLoad("slow", 1, 0, 1), new PeerLoad("fast", 4, 1, 1)], seed: 7).Should().Be("slow");
    }

    [Fact]
    public void Equals_are_chosen_by_the_seed_alone_and_equally_often()
    {
        PeerLoad[] peers = [.. Enumerable.Range(0, 4).Select(index => new PeerLoad($"p{index}", 1, 2, 1))];
        var choices = Enumerable.Range(0, 2000).Select(seed => Router.Choose(peers, seed)!).ToArray();

        Enumerable.Range(0, 2000).Select(seed => Router.Choose(peers.Reverse(), seed)).Should().Equal(choices);
        choices.CountBy(choice => choice).Should().HaveCount(4).And.OnlyContain(count => count.Value > 420 && count.Value < 580);
    }

    [Fact]
    public void Miners_of_different_speeds_get_work_in_proportion()
    {
        var done = Simulate([("slow", 1), ("middle", 2), ("fast", 4)], microBatches: 7000);

        done["slow"].Should().BeInRange(900, 1100);
        done["middle"].Should().BeInRange(1800, 2200);
        done["fast"].Should().BeInRange(3600, 4400);
    }

    [Fact]
    public void What_a_lost_peer_had_goes_to_the_others_in_proportion()
    {
        PeerLoad[] peers = [new("slow", 1, 0, 1), new("middle", 2, 0, 1), new("fast", 4, 0, 1)];
        var done = Simulate([("slow", 1), ("middle", 2), ("fast", 4)], microBatches: 6000, lost: "fast");

        Router.WorkShares(peers).Select(share => share.Share).Should().Equal(1.0 / 7, 2.0 / 7, 4.0 / 7);
        var shares = Router.WorkShares(peers, new HashSet<string> { "fast" });
        shares.Should().Equal(new WorkShare("slow", 1.0 / 3), new WorkShare("middle", 2.0 / 3));
        foreach (var share in shares)
        {
            ((double)done[share.Peer]).Should().BeApproximately(6000 * share.Share, 600 * share.Share);
        }

        Router.WorkShares(peers, peers.Select(peer => peer.Peer).ToHashSet()).Should().BeEmpty();
    }

    /// <summary>A sender that always has work, peers with four credits that take one micro-batch after the other, and no clock but that of the events.</summary>
    private static Dictionary<string, int> Simulate((string Peer, double Speed)[] peers, int microBatches, string? lost = null)
    {
        var excluded = lost is null ? null : new HashSet<string> { lost };
        var outstanding = peers.ToDictionary(peer => peer.Peer, _ => 0);
        var freeAt = peers.ToDictionary(peer => peer.Peer, _ => 0.0);
        var done = peers.ToDictionary(peer => peer.Peer, _ => 0);
        var completions = new PriorityQueue<string, double>();
        var now = 0.0;
        for (var sent = 0; sent < microBatches;)
        {
            var loads = peers.Select(peer => new PeerLoad(peer.Peer, peer.Speed, outstanding[peer.Peer], 4 - outstanding[peer.Peer]));
            if (Router.Choose(loads, sent, excluded) is { } choice)
            {
                freeAt[choice] = Math.Max(freeAt[choice], now) + (1 / peers.Single(peer => peer.Peer == choice).Speed);
                completions.Enqueue(choice, freeAt[choice]);
                outstanding[choice]++;
                sent++;
            }
            else
            {
                completions.TryDequeue(out var finished, out now).Should().BeTrue();
                outstanding[finished!]--;
                done[finished!]++;
            }
        }

        while (completions.TryDequeue(out var finished, out _))
        {
            done[finished]++;
        }

        return done;
    }
}
