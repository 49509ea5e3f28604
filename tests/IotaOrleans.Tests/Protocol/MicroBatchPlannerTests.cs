using CsCheck;
using IotaOrleans.Protocol.Stages;

namespace IotaOrleans.Tests.Protocol;

public sealed class MicroBatchPlannerTests
{
    [Fact]
    public void The_count_divides_the_batch() => Gen.Select(Gen.Int[1, 8], Gen.Int[1, 64], Gen.Int[5, 11]).ForAll((stages, batch, width) =>
        (batch % MicroBatchPlanner.Choose(Model(1 << width), ScheduleKind.ZeroBubble, stages, batch, 64)).Should().Be(0));

    [Fact]
    public void One_stage_needs_one_micro_batch() => MicroBatchPlanner.Choose(Model(512), ScheduleKind.ZeroBubble, 1, 16, 512).Should().Be(1);

    [Fact]
    public void A_wide_model_is_cut_finer_than_a_narrow_one() =>
        MicroBatchPlanner.Choose(Model(1024), ScheduleKind.ZeroBubble, 4, 32, 512).Should().BeGreaterThan(MicroBatchPlanner.Choose(Model(64), ScheduleKind.ZeroBubble, 4, 32, 64));

    [Fact]
    public void The_interleaved_schedule_gets_a_number_that_it_can_group() =>
        (MicroBatchPlanner.Choose(Model(128), ScheduleKind.Interleaved, 3, 18, 64) % 3).Should().Be(0);

    private static ModelConfiguration Model(int width) => new()
    {
        VocabularySize = 256,
        HiddenSize = width,
        IntermediateSize = width * 8 / 3,
        BlockCount = 8,
        HeadCount = 8,
        KeyValueHeadCount = 8,
        ContextLength = 512,
    };
}
