using CsCheck;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

public sealed class PipelineScheduleTests
{
    private static readonly Gen<(ScheduleKind Kind, int Stages, int MicroBatches)> AnyPipeline =
        Gen.Select(Gen.Enum<ScheduleKind>(), Gen.Int[1, 12], Gen.Int[1, 24]);

    [Fact]
    public void Each_micro_batch_is_run_forward_then_backward_exactly_once() => AnyPipeline.Sample(pipeline =>
    {
        for (var stage = 0; stage < pipeline.Stages; stage++)
        {
            var ops = PipelineSchedule.Train(pipeline.Kind, stage, pipeline.Stages, pipeline.MicroBatches);
            ops.Should().HaveCount(2 * pipeline.MicroBatches).And.OnlyHaveUniqueItems();
            for (var index = 0; index < pipeline.MicroBatches; index++)
            {
                ops.IndexOf(new StageOp(StageOpKind.Forward, index)).Should().BeGreaterThanOrEqualTo(0)
                    .And.BeLessThan(ops.IndexOf(new StageOp(StageOpKind.Backward, index)));
            }
        }
    });

    [Fact]
    public void All_stages_together_never_wait_for_each_other_in_a_circle() => AnyPipeline.Sample(pipeline =>
    {
        var programs = Enumerable.Range(0, pipeline.Stages)
            .Select(stage => new Queue<StageOp>(PipelineSchedule.Train(pipeline.Kind, stage, pipeline.Stages, pipeline.MicroBatches))).ToArray();
        var done = new HashSet<(int Stage, StageOp Op)>();
        bool advanced;
        do
        {
            advanced = false;
            for (var stage = 0; stage < pipeline.Stages; stage++)
            {
                if (programs[stage].TryPeek(out var op) && InputsDone(stage, op))
                {
                    done.Add((stage, programs[stage].Dequeue()));
                    advanced = true;
                }
            }
        }
        while (advanced);

        programs.Should().OnlyContain(program => program.Count == 0);

        bool InputsDone(int stage, StageOp op) => op.Kind == StageOpKind.Forward
            ? stage == 0 || done.Contains((stage - 1, op))
            : stage == pipeline.Stages - 1 || done.Contains((stage + 1, op));
    });

    [Fact]
    public void One_forward_one_backward_keeps_at_most_the_remaining_depth_alive() => AnyPipeline.Sample(pipeline =>
    {
        for (var stage = 0; stage < pipeline.Stages; stage++)
        {
            int live = 0, most = 0;
            foreach (var op in PipelineSchedule.Train(ScheduleKind.OneForwardOneBackward, stage, pipeline.Stages, pipeline.MicroBatches))
            {
                live += op.Kind == StageOpKind.Forward ? 1 : -1;
                most = Math.Max(most, live);
            }

            most.Should().Be(Math.Min(pipeline.MicroBatches, pipeline.Stages - stage));
        }
    });

    [Fact]
    public void The_programs_read_as_in_the_papers()
    {
        string.Join(' ', PipelineSchedule.Train(ScheduleKind.OneForwardOneBackward, 0, 2, 4)).Should().Be("F0 F1 B0 F2 B1 F3 B2 B3");
        string.Join(' ', PipelineSchedule.Train(ScheduleKind.OneForwardOneBackward, 1, 2, 4)).Should().Be("F0 B0 F1 B1 F2 B2 F3 B3");
        string.Join(' ', PipelineSchedule.Train(ScheduleKind.GPipe, 0, 2, 3)).Should().Be("F0 F1 F2 B0 B1 B2");
    }

    [Fact]
    public void The_bubble_is_the_published_one() => PipelineSchedule.Bubble(2, 8).Should().BeApproximately(1.0 / 9, 1e-12);
}
