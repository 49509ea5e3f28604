using static IotaOrleans.ClusterTests.Training.ExactComparison;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Exact mode: the cluster computes what one process computes, however the model is cut and wherever the stages live.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class ExactModeTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 0)]
    [InlineData(4, 0)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 4)]
    public async Task Losses_equal_a_plain_loop(int stages, int silos)
    {
        using var run = new TestRun(stages);
        await AssertEqualsPlainLoopAsync(run.Specification, silos);
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(3, 3)]
    public async Task Losses_equal_a_plain_loop_when_embeddings_are_tied(int stages, int silos)
    {
        using var run = new TestRun(stages, tied: true);
        await AssertEqualsPlainLoopAsync(run.Specification, silos);
    }

    [Theory]
    [InlineData(ScheduleKind.GPipe, 3, 1, 0)]
    [InlineData(ScheduleKind.OneForwardOneBackward, 3, 1, 0)]
    [InlineData(ScheduleKind.OneForwardOneBackward, 2, 1, 2)]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 3, 1, 0)]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 2, 1, 2)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 2, 1, 0)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 3, 1, 0)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 2, 1, 2)]
    [InlineData(ScheduleKind.Interleaved, 2, 2, 0)]
    [InlineData(ScheduleKind.Interleaved, 2, 2, 2)]
    [InlineData(ScheduleKind.Interleaved, 1, 4, 0)]
    public async Task Losses_equal_a_plain_loop_under_every_schedule(ScheduleKind schedule, int stages, int chunks, int silos)
    {
        using var run = new TestRun(stages, schedule: schedule, chunks: chunks);
        await AssertEqualsPlainLoopAsync(run.Specification, silos);
    }

    [Fact]
    public async Task Losses_equal_a_plain_loop_when_embeddings_are_tied_and_stages_interleaved()
    {
        using var run = new TestRun(2, tied: true, schedule: ScheduleKind.Interleaved, chunks: 2);
        await AssertEqualsPlainLoopAsync(run.Specification, 0);
    }

    [Theory]
    [InlineData(2, 1, 0)]
    [InlineData(3, 1, 0)]
    [InlineData(4, 1, 4)]
    [InlineData(2, 2, 2)]
    public async Task Losses_equal_a_plain_loop_when_stages_end_in_bottlenecks(int stages, int chunks, int silos)
    {
        using var run = new TestRun(stages, schedule: chunks == 1 ? ScheduleKind.ZeroBubbleDouble : ScheduleKind.Interleaved, chunks: chunks, bottleneck: 8);
        await ExactComparison.AssertEqualsPlainLoopAsync(run.Specification, silos);
    }

    [Theory]
    [InlineData(ScheduleKind.ZeroBubble, null)]
    [InlineData(ScheduleKind.OneForwardOneBackward, null)]
    [InlineData(ScheduleKind.ZeroBubble, 4)]
    [InlineData(ScheduleKind.OneForwardOneBackward, 4)]
    public async Task Recomputing_activations_changes_no_bit(ScheduleKind schedule, int? bottleneck)
    {
        var losses = new List<double[]>();
        foreach (var recompute in new[] { false, true })
        {
            using var run = new TestRun(steps: 10, schedule: schedule, bottleneck: bottleneck);
            await using var cluster = await TrainingCluster.StartAsync(0, 2);
            var events = await cluster.TrainAsync(run.Specification with { Recompute = recompute });
            losses.Add([.. events.OfType<StepCompleted>().Select(step => step.Loss)]);
        }

        losses[0].Should().HaveCount(10).And.Equal(losses[1]);
    }

    [Theory]
    [InlineData(WireFormat.BFloat16, 0.02)]
    [InlineData(WireFormat.Int8, 0.05)]
    public async Task Fewer_digits_on_the_wire_cost_little_and_no_less_within_a_process(WireFormat format, double tolerance)
    {
        var losses = new List<double[]>();
        IReadOnlyList<double> expected = [];
        foreach (var silos in new[] { 0, 2 })
        {
            using var run = new TestRun(steps: 50);
            expected = PlainLoop.Train(run.Specification, 50);
            await using var cluster = await TrainingCluster.StartAsync(silos, 2);
            var events = await cluster.TrainAsync(run.Specification with { WireFormat = format });
            losses.Add([.. events.OfType<StepCompleted>().Select(step => step.Loss)]);
        }

        losses[0].Should().HaveCount(50).And.Equal(losses[1], "where a stage lives must not matter");
        losses[0].Should().NotEqual(expected);
        losses[0][^1].Should().BeApproximately(expected[^1], tolerance);
    }

    [Fact]
    public async Task Two_runs_of_one_seed_have_the_same_bits()
    {
        var checkpoints = new List<byte[]>();
        var losses = new List<double[]>();
        foreach (var silos in new[] { 0, 2 })
        {
            using var run = new TestRun(stages: 2, steps: 20);
            await using var cluster = await TrainingCluster.StartAsync(silos, 2);
            var events = await cluster.TrainAsync(run.Specification);
            losses.Add([.. events.OfType<StepCompleted>().Select(step => step.Loss)]);
            checkpoints.Add(await File.ReadAllBytesAsync(Path.Combine(events.OfType<RunFinished>().Single().Checkpoint, "model.safetensors")));
        }

        losses[0].Should().HaveCount(20).And.Equal(losses[1]);
        checkpoints[0].Should().Equal(checkpoints[1]);
    }
}
