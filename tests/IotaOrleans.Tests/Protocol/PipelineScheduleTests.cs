using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

public sealed class PipelineScheduleTests
{
    [Fact]
    public void Each_micro_batch_is_run_forward_and_backward_exactly_once_per_chunk() => Pipelines.Any.ForAll(pipeline =>
    {
        StageOpKind[] kinds = PipelineSchedule.SplitsBackward(pipeline.Kind)
            ? [StageOpKind.Forward, StageOpKind.BackwardInput, StageOpKind.BackwardWeights]
            : [StageOpKind.Forward, StageOpKind.Backward];
        foreach (var program in pipeline.Programs())
        {
            program.Should().HaveCount(kinds.Length * pipeline.Passes).And.OnlyHaveUniqueItems();
            program.Should().OnlyContain(op => kinds.Contains(op.Kind) && op.MicroBatch >= 0 && op.MicroBatch < pipeline.MicroBatches && op.Chunk >= 0 && op.Chunk < pipeline.Chunks);
        }
    });

    [Fact]
    public void All_ranks_together_never_wait_for_each_other_in_a_circle() => Pipelines.Any.ForAll(pipeline =>
        Pipelines.End(pipeline.Programs(), pipeline.Chunks).Should().BeTrue());

    [Fact]
    public void Activations_that_wait_for_their_backward_pass_are_bounded_as_in_the_papers() => Pipelines.Any.ForAll(pipeline =>
    {
        var (_, ranks, microBatches, chunks) = pipeline;
        foreach (var (program, rank) in pipeline.Programs().Select((program, rank) => (program, rank)))
        {
            Pipelines.MostBeforeBackward(program).Should().Be(pipeline.Kind switch
            {
                ScheduleKind.GPipe => microBatches,
                ScheduleKind.Interleaved => Math.Min(microBatches * chunks, ((ranks - rank - 1) * 2) + ((chunks - 1) * ranks) + 1),
                ScheduleKind.ZeroBubbleAhead => Math.Min(microBatches, (2 * (ranks - rank)) - 1),
                ScheduleKind.ZeroBubbleDouble => Math.Min(microBatches, rank == ranks - 1 ? 1 : 2 * (ranks - rank)),
                _ => Math.Min(microBatches, ranks - rank),
            });
        }
    });

    [Fact]
    public void Splitting_the_backward_pass_costs_no_peak_memory() => Pipelines.Any.ForAll(pipeline =>
    {
        var split = PipelineSchedule.TrainAll(ScheduleKind.ZeroBubble, pipeline.Ranks, pipeline.MicroBatches);
        var whole = PipelineSchedule.TrainAll(ScheduleKind.OneForwardOneBackward, pipeline.Ranks, pipeline.MicroBatches);

        split.Max(Pipelines.MostLive).Should().Be(whole.Max(Pipelines.MostLive)).And.Be(Math.Min(pipeline.MicroBatches, pipeline.Ranks));
    });

    [Theory]
    [InlineData(ScheduleKind.OneForwardOneBackward, 0, 2, 4, 1, "F0 F1 B0 F2 B1 F3 B2 B3")]
    [InlineData(ScheduleKind.OneForwardOneBackward, 1, 2, 4, 1, "F0 B0 F1 B1 F2 B2 F3 B3")]
    [InlineData(ScheduleKind.GPipe, 0, 2, 3, 1, "F0 F1 F2 B0 B1 B2")]
    [InlineData(ScheduleKind.Interleaved, 0, 2, 4, 2, "F0 F1 F0.1 F1.1 F2 B0.1 F3 B1.1 F2.1 B0 F3.1 B1 B2.1 B3.1 B2 B3")]
    [InlineData(ScheduleKind.Interleaved, 1, 2, 4, 2, "F0 F1 F0.1 B0.1 F1.1 B1.1 F2 B0 F3 B1 F2.1 B2.1 F3.1 B3.1 B2 B3")]
    [InlineData(ScheduleKind.ZeroBubble, 0, 3, 4, 1, "F0 F1 F2 B0 W0 F3 B1 W1 B2 W2 B3 W3")]
    [InlineData(ScheduleKind.ZeroBubble, 2, 3, 4, 1, "F0 B0 F1 B1 F2 B2 W0 F3 B3 W1 W2 W3")]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 0, 2, 4, 1, "F0 F1 F2 B0 W0 F3 B1 W1 B2 W2 B3 W3")]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 1, 2, 4, 1, "F0 B0 F1 B1 F2 B2 W0 F3 B3 W1 W2 W3")]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 0, 2, 6, 1, "F0 F1 F2 F3 B0 W0 F4 B1 W1 F5 B2 W2 B3 W3 B4 W4 B5 W5")]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 1, 2, 6, 1, "F0 B0 F1 B1 F2 B2 F3 B3 W0 F4 B4 W1 F5 B5 W2 W3 W4 W5")]
    public void The_programs_read_as_in_the_papers(ScheduleKind kind, int rank, int ranks, int microBatches, int chunks, string program) =>
        string.Join(' ', PipelineSchedule.Train(kind, rank, ranks, microBatches, chunks)).Should().Be(program);

    [Theory]
    [InlineData(ScheduleKind.Interleaved, 4, 6, 2, "*6 do not divide into groups of 4*")]
    [InlineData(ScheduleKind.OneForwardOneBackward, 4, 8, 2, "only the interleaved schedule has 2 model chunks*")]
    [InlineData(ScheduleKind.GPipe, 0, 8, 1, "*0 ranks*")]
    [InlineData(ScheduleKind.GPipe, 1, 0, 1, "*0 micro-batches*")]
    [InlineData(ScheduleKind.Interleaved, 1, 1, 0, "0 model chunks*")]
    [InlineData((ScheduleKind)99, 1, 1, 1, "*99*")]
    public void A_shape_that_a_schedule_does_not_have_is_refused_with_the_reason(ScheduleKind kind, int ranks, int microBatches, int chunks, string message) =>
        ((Func<ImmutableArray<StageOp>>)(() => PipelineSchedule.Train(kind, 0, ranks, microBatches, chunks))).Should().Throw<ArgumentException>().WithMessage(message);

    [Fact]
    public void The_bubbles_are_the_published_ones()
    {
        PipelineSchedule.Bubble(ScheduleKind.OneForwardOneBackward, 2, 8).Share.Should().BeApproximately(1.0 / 9, 1e-12);
        PipelineSchedule.Bubble(ScheduleKind.GPipe, 4, 8).Share.Should().BeApproximately(3.0 / 11, 1e-12);
        PipelineSchedule.Bubble(ScheduleKind.Interleaved, 4, 8, 2).Share.Should().BeApproximately(3.0 / 19, 1e-12);
        PipelineSchedule.Bubble(ScheduleKind.ZeroBubble, 4, 8, costs: new ScheduleCosts(3, 4, 2)).Idle.Should().Be(3 * (3 + 4 - 2));
    }
}
