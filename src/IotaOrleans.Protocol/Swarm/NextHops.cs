using System.Collections.Immutable;
using IotaOrleans.Protocol.Assignment;

namespace IotaOrleans.Protocol.Swarm;

/// <summary>
/// Chooses the replica of the next stage that a micro-batch goes to: the one that can begin first, by what is under way to
/// it and by how long its answers took (Ryabinin et al., 2023, "SWARM Parallelism"). Not safe for several threads.
/// </summary>
public sealed class NextHops
{
    private const double Smoothing = 0.2;
    private const double Forgetting = 0.97;

    private readonly Dictionary<string, Peer> _peers = [];
    private ImmutableArray<string> _order = [];

    /// <summary>The miners that can be chosen.</summary>
    public ImmutableArray<string> Peers => _order;

    /// <summary>Changes who can be chosen; what is known of those who stay is kept.</summary>
    public void Set(ImmutableArray<string> miners)
    {
        foreach (var gone in _peers.Keys.Except(miners).ToArray())
        {
            _peers.Remove(gone);
        }

        foreach (var miner in miners)
        {
            _peers.TryAdd(miner, new Peer());
        }

        _order = miners;
    }

    /// <summary>Chooses for a micro-batch and counts it as under way, or null when nobody is there.</summary>
    /// <param name="number">Decides between equals, so that not everybody starts with the first.</param>
    /// <param name="refused">Who did not take it; chosen all the same when there is no other.</param>
    public string? Choose(long number, string? refused = null)
    {
        // Nobody is slow before they were tried.
        var fastest = _peers.Values.Where(peer => peer.Seconds > 0).Select(peer => peer.Seconds).DefaultIfEmpty(1).Min();
        var loads = _order.Select(miner => new PeerLoad(miner, 1 / (_peers[miner].Seconds > 0 ? _peers[miner].Seconds : fastest), _peers[miner].UnderWay, int.MaxValue)).ToArray();
        var chosen = (refused is null ? null : Router.Choose(loads, number, ImmutableHashSet.Create(refused))) ?? Router.Choose(loads, number);
        if (chosen is not null)
        {
            _peers[chosen].UnderWay++;
            // Who is passed over may have become faster: it is tried again now and then.
            foreach (var idle in _peers.Values.Where(peer => peer.UnderWay == 0))
            {
                idle.Seconds *= Forgetting;
            }
        }

        return chosen;
    }

    /// <summary>Notes an answer.</summary>
    /// <param name="miner">Who answered.</param>
    /// <param name="elapsed">Time since the micro-batch was sent.</param>
    /// <param name="ahead">Micro-batches that were under way to the miner when it was sent, itself included.</param>
    public void Answered(string miner, TimeSpan elapsed, int ahead)
    {
        if (_peers.TryGetValue(miner, out var peer))
        {
            peer.UnderWay = Math.Max(0, peer.UnderWay - 1);
            var seconds = elapsed.TotalSeconds / Math.Max(1, ahead);
            peer.Seconds = Smoothed(peer.Seconds, seconds);
            peer.AnswerSeconds = Smoothed(peer.AnswerSeconds, seconds);
        }
    }

    /// <summary>Notes that a micro-batch is given to somebody else: the miner is at least as slow as that, but how long to wait for its answers does not follow.</summary>
    /// <inheritdoc cref="Answered" path="/param" />
    public void GaveUp(string miner, TimeSpan elapsed, int ahead)
    {
        if (_peers.TryGetValue(miner, out var peer))
        {
            peer.UnderWay = Math.Max(0, peer.UnderWay - 1);
            peer.Seconds = Math.Max(peer.Seconds, Smoothed(peer.Seconds, elapsed.TotalSeconds / Math.Max(1, ahead)));
        }
    }

    /// <summary>Time in which a miner answers, for each micro-batch that is under way to it, smoothed; zero before its first answer.</summary>
    public TimeSpan TimeOf(string miner) => _peers.TryGetValue(miner, out var peer) ? TimeSpan.FromSeconds(peer.AnswerSeconds) : TimeSpan.Zero;

    /// <summary>Micro-batches under way to a miner.</summary>
    public int UnderWay(string miner) => _peers.TryGetValue(miner, out var peer) ? peer.UnderWay : 0;

    private static double Smoothed(double before, double seconds) => before == 0 ? seconds : before + (Smoothing * (seconds - before));

    private sealed class Peer
    {
        public int UnderWay { get; set; }

        /// <summary>Time that one micro-batch takes it, smoothed; zero before the first answer.</summary>
        public double Seconds { get; set; }

        /// <summary>The same, of those that it answered.</summary>
        public double AnswerSeconds { get; set; }
    }
}
