using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Miners of different speeds in a live swarm. Each has a silo of its own whose lane rests for a part of the time.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class UnequalMinersTests
{
    private const int WarmUp = 40;

    [Fact]
    public async Task Faster_miners_do_more_of_the_work()
    {
        using var run = new TestRun(stages: 2, steps: WarmUp + 160);
        var worked = new ConcurrentDictionary<string, long>();
        // Four times, twice and once as fast; all of them together are much slower than the stage before them, so that none waits for work.
        await using var cluster = await TrainingCluster.StartAsync(4, 4, processorShares: [1, 0.16, 0.08, 0.04], configure: silo => CountPasses(silo, worked));

        // A merge costs each the same, which is more for the slow: it must not decide a test of routing.
        var specification = Elastic(run, [["miner-1"], ["miner-2", "miner-3", "miner-4"]], innerSteps: 1_000_000);
        await cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run).StartAsync(specification);
        await cluster.FollowAsync(specification.Run, 0, happened => happened is StepCompleted { Step: WarmUp });
        // Before speeds are known, all are given the same.
        var before = worked.ToDictionary();
        await cluster.FollowAsync(specification.Run, 0);

        // In virtual time it is the very proportion (RouterTests), on a quiet machine too (the benchmark "unequal"). Here other work bends every lane's time,
        // but not so much that twice as fast becomes as slow.
        var passes = worked.ToDictionary(entry => entry.Key, entry => (double)(entry.Value - before.GetValueOrDefault(entry.Key)));
        passes["miner-2"].Should().BeGreaterThan(1.25 * passes["miner-3"]);
        passes["miner-3"].Should().BeGreaterThan(1.25 * passes["miner-4"]);
        passes["miner-4"].Should().BePositive("no miner is passed over");
    }

    [Fact]
    public async Task Pay_is_in_proportion_to_work_whoever_is_slow_joins_or_leaves()
    {
        const int EpochSteps = 150;
        using var run = new TestRun(stages: 2, steps: 2 * EpochSteps);
        // What each lane says that it did, counted where it arrives: not from what is signed, and not from what is paid.
        // By their shares each is to do about a third more than the next at least, so that their order does not hang on what little is not paid.
        var worked = new ConcurrentDictionary<string, long>();
        await using var cluster = await TrainingCluster.StartAsync(6, 6, processorShares: [0.35, 0.15, 0.24, 0.12, 0.04, 0.11], configure: silo => CountPasses(silo, worked));
        var specification = Elastic(run, [["miner-1", "miner-2"], ["miner-3", "miner-4", "miner-5"]], innerSteps: 20) with { EpochSteps = EpochSteps, Validation = new ValidationSettings { SegmentPasses = 4 } };
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await cluster.Grains.GetGrain<IMinerGrain>("idler").ReportAsync(new MinerCapability("silo", 1, long.MaxValue));
        await grain.StartAsync(specification);
        await cluster.FollowAsync(specification.Run, 0, happened => happened is StepCompleted { Step: 20 });
        (await grain.AdmitAsync("miner-6", new MinerCapability("silo", 1, long.MaxValue, 1))).Should().BeTrue();
        await cluster.FollowAsync(specification.Run, 0, happened => happened is StepCompleted { Step: 200 });
        await grain.LeaveAsync("miner-4");

        var events = await cluster.FollowAsync(specification.Run, 0);

        var paid = events.OfType<EpochClosed>().SelectMany(epoch => epoch.Settlement.Payslips).GroupBy(slip => slip.Miner).ToDictionary(group => group.Key, group => (double)group.Sum(slip => slip.Paid));
        paid.Keys.Should().BeEquivalentTo(worked.Keys).And.HaveCount(6);
        var (allPaid, allWorked) = (paid.Values.Sum(), (double)worked.Values.Sum());
        foreach (var (miner, pay) in paid)
        {
            (pay / allPaid / (worked[miner] / allWorked)).Should().BeApproximately(1, 0.02, string.Join(", ", paid.Keys.Order().Select(one => $"{one} was paid {paid[one] / allPaid:P2} for {worked[one]} of {allWorked} passes: {worked[one] / allWorked:P2}")));
        }

        paid.Keys.OrderBy(miner => paid[miner]).Should().Equal(worked.Keys.OrderBy(miner => worked[miner]), "the rank correlation is 1");
        (await cluster.Grains.GetGrain<IMinerGrain>("idler").GetAsync()).Earned.Should().Be(0);
    }

    [Fact]
    public async Task A_slow_stage_gets_a_second_miner_that_does_most_of_its_work()
    {
        const int Window = 30;
        using var run = new TestRun(stages: 2, steps: 1_000_000);
        double[] shares = [0.3, 0.3, 0.3, 0.1];
        var worked = new ConcurrentDictionary<string, long>();
        await using var cluster = await TrainingCluster.StartAsync(4, 4, processorShares: shares, configure: silo => CountPasses(silo, worked));
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
        await cluster.FollowAsync(specification.Run, 0, happened => happened.Step == moved.Step + Window);
        var before = worked.ToDictionary();
        await cluster.FollowAsync(specification.Run, 0, happened => happened.Step == moved.Step + (3 * Window));
        await grain.StopAsync();
        await cluster.FollowAsync(specification.Run, 0);

        (moved.Change, moved.Stage).Should().Be((MemberChange.Moved, 1));
        moved.Predicted!.After.Should().BeGreaterThan(1.5 * moved.Predicted.Before, "the stage had one slow miner and has a fast one besides");
        // How much faster that makes the run is for the benchmark "unequal": other work on a machine bends time. Who does the work stays.
        Worked(moved.Miner).Should().BeGreaterThan(Worked("miner-4"), "it is three times as fast");

        long Worked(string miner) => worked[miner] - before.GetValueOrDefault(miner);
    }

    private static void CountPasses(ISiloBuilder silo, ConcurrentDictionary<string, long> worked) => silo.AddIncomingGrainCallFilter(call =>
    {
        if (call.Request.GetMethodName() == nameof(ITrainingRunGrain.ReportSwarmAsync) && call.Request.GetArgument(0) is SwarmReport report)
        {
            worked.AddOrUpdate(report.Shard.Miner, report.BackwardPasses, (_, before) => before + report.BackwardPasses);
        }

        return call.Invoke();
    });

    private static TrainingRunSpecification Elastic(TestRun run, ImmutableArray<ImmutableArray<string>> miners, int innerSteps) => run.Specification with
    {
        Mode = TrainingMode.Elastic,
        Miners = miners,
        EvaluationInterval = 1_000_000,
        CheckpointInterval = 1_000_000,
        Swarm = new SwarmSettings { InnerSteps = innerSteps, Rebalances = false },
    };
}
