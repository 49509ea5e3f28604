using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class AuditBacklogTests
{
    private readonly Suspicions _suspicions = new();
    private readonly AuditBacklog<string> _backlog;

    public AuditBacklogTests() => _backlog = new AuditBacklog<string>(_suspicions);

    [Fact]
    public void Segments_are_checked_in_the_order_in_which_they_came()
    {
        Add("a", 0);
        Add("b", 0);
        Add("a", 1);

        Taken().Should().Equal("a 0", "b 0", "a 1");
    }

    [Fact]
    public void What_a_suspect_is_judged_by_comes_first()
    {
        Add("a", 0);
        Add("b", 7);
        Add("b", 8);
        _suspicions.Add("b", from: 8);

        Taken().Should().Equal("b 8", "a 0", "b 7");
    }

    [Fact]
    public void Whoever_makes_others_suspects_does_not_put_off_its_own_check_for_long()
    {
        Add("a", 0);
        _suspicions.Add("b", from: 0);
        _suspicions.Add("c", from: 0);
        Add("b", 0);
        Add("c", 0);
        Add("a", 1);
        Add("b", 1);

        Taken().Should().Equal("b 0", "a 0", "c 0", "a 1", "b 1");
    }

    [Fact]
    public void A_suspect_is_checked_even_when_checks_do_not_keep_up()
    {
        for (var segment = 0; segment < AuditBacklog<string>.MostWaiting; segment++)
        {
            HasRoomFor("a", segment).Should().BeTrue();
            Add("a", segment);
        }

        HasRoomFor("b", 3).Should().BeFalse();

        _suspicions.Add("b", from: 3);

        HasRoomFor("a", 100).Should().BeFalse();
        HasRoomFor("b", 2).Should().BeFalse("it was handed in before");
        for (var segment = 3; segment < 3 + Suspicions.ChecksThatClear; segment++)
        {
            HasRoomFor("b", segment).Should().BeTrue();
            Add("b", segment);
        }

        HasRoomFor("b", 100).Should().BeFalse("those that wait would clear it");
    }

    [Fact]
    public void A_suspect_finds_room_again_once_it_was_checked()
    {
        _suspicions.Add("b", from: 0);
        for (var segment = 0; segment < Suspicions.ChecksThatClear; segment++)
        {
            Add("b", segment);
        }

        _backlog.TryTake(out _).Should().BeTrue();

        HasRoomFor("b", 9).Should().BeTrue();
    }

    private void Add(string miner, long segment) => _backlog.Add(Shard(miner), segment, $"{miner} {segment}");

    private bool HasRoomFor(string miner, long segment) => _backlog.HasRoomFor(Shard(miner), segment);

    private IEnumerable<string> Taken()
    {
        while (_backlog.TryTake(out var kept))
        {
            yield return kept;
        }
    }

    private static ShardKey Shard(string miner) => new("run", 0, miner);
}
