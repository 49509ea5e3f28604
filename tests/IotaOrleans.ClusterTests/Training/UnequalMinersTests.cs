using System.Collections.Immutable;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Miners of different speeds in a live swarm. Each has a silo of its own whose lane rests for a part of the time.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class UnequalMinersTests
{
    [Fact]
    public async Task Work_is_in_proportion_to_speed()
    {
        using var run = new TestRun(stages: 2, steps: 160);
        // Four times, twice and once as fast; all of them together are much slower than the stage before them, so that none waits for work.
        await using var cluster = await TrainingCluster.StartAsync(4, 4, processorShares: [1, 0.16, 0.08, 0.04]);

        // A merge costs each the same, which is more for the slow: it must not decide a test of routing.
        var events = await cluster.TrainAsync(Elastic(run, [["miner-1"], ["miner-2", "miner-3", "miner-4"]], innerSteps: 1_000_000));

        var rewards = events.OfType<RunFinished>().Should().ContainSingle().Which.Rewards;
        var passes = rewards.Where(reward => reward.Stage == 1).ToDictionary(reward => reward.Miner, reward => (double)reward.BackwardPasses);
        var unit = passes.Values.Sum() / 7;
        foreach (var (miner, speed) in new[] { ("miner-2", 4), ("miner-3", 2), ("miner-4", 1) })
        {
            (passes[miner] / (speed * unit)).Should().BeApproximately(1, 0.2, $"{miner} did {passes[miner]} of {7 * unit}");
        }
    }

    [Fact]
    public async Task A_slow_stage_gets_a_second_miner_and_the_run_goes_faster()
    {
        const int Window = 30;
        using var run = new TestRun(stages: 2, steps: 1_000_000);
        double[] shares = [0.3, 0.3, 0.3, 0.1];
        await using var cluster = await TrainingCluster.StartAsync(4, 4, processorShares: shares);
        var specification = Elastic(run, [["miner-1", "miner-2", "miner-3"], ["miner-4"]], innerSteps: 20);
        specification = specification with { Swarm = specification.Swarm with { Rebalances = true } };
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification);
        foreach (var (share, index) in shares.Select((share, index) => (share, index)))
        {
            // As the program's silos do again and again; their speeds are what tells a slow miner from a costly stage.
            (await grain.AdmitAsync(TrainingCluster.Miner(index), new MinerCapability("silo", 1, long.MaxValue, 100 * share))).Should().BeFalse("it is there already");
        }

        var moved = (await cluster.FollowAsync(specification.Run, 0, happened => happened is MembersChanged)).OfType<MembersChanged>().First();
        // The first steps with the new miner are not those of a swarm that has settled.
        var settled = moved.Step + Window;
        await cluster.FollowAsync(specification.Run, 0, happened => happened.Step == settled + (2 * Window));
        await grain.StopAsync();

        var steps = (await cluster.FollowAsync(specification.Run, 0)).OfType<StepCompleted>().ToDictionary(step => step.Step, step => step.At);
        (moved.Change, moved.Stage).Should().Be((MemberChange.Moved, 1));
        moved.Predicted!.After.Should().BeGreaterThan(1.5 * moved.Predicted.Before, "the stage had one slow miner and has a fast one besides");
        var (before, after) = (Rate(moved.Step - Window, moved.Step), Rate(settled, settled + (2 * Window)));
        // How much faster is a matter of time, and other work on a machine bends time: that it is, is not.
        after.Should().BeGreaterThan(1.2 * before, $"{moved.Predicted.Before:0.0} micro-batches a second were to become {moved.Predicted.After:0.0}");

        double Rate(long first, long last) => (last - first) * specification.MicroBatches / (steps[last] - steps[first]).TotalSeconds;
    }

    private static TrainingRunSpecification Elastic(TestRun run, ImmutableArray<ImmutableArray<string>> miners, int innerSteps) => run.Specification with
    {
        Mode = TrainingMode.Elastic,
        Miners = miners,
        EvaluationInterval = 1_000_000,
        CheckpointInterval = 1_000_000,
        Swarm = new SwarmSettings { InnerSteps = innerSteps, Rebalances = false },
    };
}
