using System.Collections.Concurrent;
using IotaOrleans.Tensors;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Exact mode with several miners per stage: what they compute together is what one process computes, and they stay equal to the bit.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class ExactReplicaTests
{
    [Theory]
    [InlineData(ScheduleKind.ZeroBubbleAhead, new[] { 2, 2 }, 4, 0)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, new[] { 2, 2 }, 8, 0)]
    [InlineData(ScheduleKind.OneForwardOneBackward, new[] { 2, 3 }, 8, 0)]
    [InlineData(ScheduleKind.GPipe, new[] { 3, 2 }, 4, 0)]
    [InlineData(ScheduleKind.ZeroBubbleAhead, new[] { 3, 2 }, 8, 2)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, new[] { 2, 2, 2 }, 4, 3)]
    [InlineData(ScheduleKind.ZeroBubble, new[] { 1, 2, 1 }, 4, 0)]
    [InlineData(ScheduleKind.OneForwardOneBackward, new[] { 3 }, 4, 0)]
    [InlineData(ScheduleKind.OneForwardOneBackward, new[] { 3, 3 }, 2, 0)]
    public async Task Losses_equal_a_plain_loop_and_each_miner_is_paid_for_its_own_passes(ScheduleKind schedule, int[] replicas, int microBatches, int silos)
    {
        using var run = new TestRun(replicas.Length, microBatches: microBatches, schedule: schedule, replicas: replicas);

        var events = await ExactComparison.AssertEqualsPlainLoopAsync(run.Specification, silos);

        var paid = events.OfType<RunFinished>().Single().Rewards.ToDictionary(reward => reward.Miner, reward => reward.BackwardPasses);
        for (var stage = 0; stage < replicas.Length; stage++)
        {
            for (var replica = 0; replica < replicas[stage]; replica++)
            {
                var own = Enumerable.Range(0, microBatches).Count(microBatch => microBatch % replicas[stage] == replica);
                paid.GetValueOrDefault(run.Specification.Miners[stage][replica]).Should().Be(50 * own);
            }
        }
    }

    [Theory]
    [InlineData(new[] { 2, 2 }, 0)]
    [InlineData(new[] { 2, 3 }, 3)]
    public async Task Losses_equal_a_plain_loop_when_embeddings_are_tied(int[] replicas, int silos)
    {
        using var run = new TestRun(replicas.Length, tied: true, replicas: replicas);
        await ExactComparison.AssertEqualsPlainLoopAsync(run.Specification, silos);
    }

    [Fact]
    public async Task Two_runs_of_one_seed_have_the_same_bits()
    {
        var checkpoints = new List<byte[][]>();
        var losses = new List<double[]>();
        var leased = FramePool.Shared.Leased;
        foreach (var silos in new[] { 0, 2 })
        {
            using var run = new TestRun(steps: 20, microBatches: 8, replicas: [2, 3]);
            await using var cluster = await TrainingCluster.StartAsync(silos, 5);
            var events = await cluster.TrainAsync(run.Specification);
            losses.Add([.. events.OfType<StepCompleted>().Select(step => step.Loss)]);
            checkpoints.Add([.. Directory.EnumerateFiles(events.OfType<RunFinished>().Single().Checkpoint, "*.safetensors").Order().Select(File.ReadAllBytes)]);
        }

        losses[0].Should().HaveCount(20).And.Equal(losses[1]);
        checkpoints[0].Should().HaveCount(2, "weights and the optimizer's state");
        checkpoints[0].Zip(checkpoints[1]).Should().OnlyContain(pair => pair.First.SequenceEqual(pair.Second));
        FramePool.Shared.Leased.Should().Be(leased, "every frame is given back");
    }

    [Fact]
    public async Task Replicas_hold_the_same_bits_whenever_a_checkpoint_is_taken()
    {
        using var run = new TestRun(steps: 20, microBatches: 8, tied: true, replicas: [2, 3]);
        var reports = new ConcurrentBag<ShardReport>();
        await using var cluster = await TrainingCluster.StartAsync(0, 5, configure: silo => silo.AddIncomingGrainCallFilter(new ReportFilter(report =>
        {
            reports.Add(report);
            return report;
        })));

        var events = await cluster.TrainAsync(run.Specification with { CheckpointInterval = 10 });

        events.OfType<RunFailed>().Should().BeEmpty();
        var hashes = reports.Where(report => report.Order.Kind == WorkKind.Snapshot).DistinctBy(report => (report.Order.Sequence, report.Miner)).ToArray();
        hashes.Should().HaveCount(2 * 5, "five miners took part in two checkpoints");
        hashes.GroupBy(report => (report.Order.Step, report.Stage)).Should().HaveCount(4)
            .And.OnlyContain(stage => stage.All(report => report.StateHash != null && report.StateHash == stage.First().StateHash));
        hashes.Select(report => report.StateHash).Distinct().Should().HaveCount(4, "stages differ, and so do steps");
    }

    [Fact]
    public async Task A_run_whose_replicas_drift_apart_ends_before_it_writes_a_checkpoint()
    {
        using var run = new TestRun(steps: 10, replicas: [2, 2]);
        var drifting = run.Specification.Miners[1][1];
        await using var cluster = await TrainingCluster.StartAsync(0, 4, configure: silo => silo.AddIncomingGrainCallFilter(new ReportFilter(report =>
            report.Miner == drifting && report.StateHash is { } hash ? report with { StateHash = hash + 1 } : report)));

        var events = await cluster.TrainAsync(run.Specification);

        events.OfType<RunFailed>().Single().Failure.Should().Match($"after step 10 the weights of stage 1 differ between *{drifting}*");
        events.OfType<CheckpointWritten>().Should().BeEmpty();
    }

    [Fact]
    public async Task A_run_goes_on_with_other_numbers_of_miners()
    {
        using var run = new TestRun(replicas: [2, 2]);
        var peak = run.Specification.Optimizer.LearningRate;
        // A learning rate that does not depend on where the run was meant to end.
        var whole = run.Specification with { Optimizer = run.Specification.Optimizer with { MinimumLearningRate = peak } };
        var expected = PlainLoop.Train(whole, 50);
        await using var cluster = await TrainingCluster.StartAsync(0, 5);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(whole.Run);

        var before = await cluster.TrainAsync(whole with { Steps = 20 });
        // The last event is out before the shards are free.
        await grain.StopAsync();
        await grain.ResumeAsync(whole with { Steps = 35, Miners = TestRun.Miners([2, 3]) });
        var between = await cluster.FollowAsync(whole.Run, before[^1].Number);
        await grain.StopAsync();
        await grain.ResumeAsync(whole with { Miners = TestRun.Miners([1, 1]) });
        var after = await cluster.FollowAsync(whole.Run, between[^1].Number);

        ExactComparison.AssertEqual([.. before.Concat(between).Concat(after).OfType<StepCompleted>().Select(step => step.Loss)], expected);
    }

    /// <summary>Sees what shards report to the run, and may change it.</summary>
    private sealed class ReportFilter(Func<ShardReport, ShardReport> see) : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context)
        {
            if (context.MethodName == nameof(ITrainingRunGrain.ReportAsync) && context.Request.GetArgument(0) is ShardReport report)
            {
                context.Request.SetArgument(0, see(report));
            }

            return context.Invoke();
        }
    }
}
