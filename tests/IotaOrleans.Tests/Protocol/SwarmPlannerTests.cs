using IotaOrleans.Protocol.Swarm;

namespace IotaOrleans.Tests.Protocol;

public sealed class SwarmPlannerTests
{
    private static readonly long[] Memory = [0, 0];

    [Fact]
    public void A_slow_miner_is_not_taken_for_a_costly_stage()
    {
        // Both stages cost the same; the second one's only miner is three times slower than the others.
        ShardPace[] paces = [Pace(0, "a", 1, 3), Pace(0, "b", 1, 3), Pace(0, "c", 1, 3), Pace(1, "d", 3, 1)];

        var move = SwarmPlanner.ProposeMove(2, Memory, paces);

        move!.To.Should().Be(1);
        move.Before.Should().BeApproximately(1 / 3.0, 1e-9);
        move.After.Should().BeApproximately(1 + (1 / 3.0), 1e-9, "the mover is three times as fast as the one that it joins");
    }

    [Fact]
    public void Without_known_speeds_a_mover_is_as_fast_as_the_one_that_it_joins()
    {
        ShardPace[] paces = [Pace(0, "a", 1), Pace(0, "b", 1), Pace(0, "c", 1), Pace(1, "d", 3)];

        SwarmPlanner.ProposeMove(2, Memory, paces)!.After.Should().BeApproximately(2 / 3.0, 1e-9);
    }

    [Fact]
    public void Nothing_is_proposed_before_everybody_was_measured() =>
        SwarmPlanner.ProposeMove(2, Memory, [Pace(0, "a", 1), Pace(0, "b", 0), Pace(1, "c", 3)]).Should().BeNull();

    private static ShardPace Pace(int stage, string miner, double seconds, double speed = 1) => new(new ShardKey("run", stage, miner), seconds, long.MaxValue, speed);
}
