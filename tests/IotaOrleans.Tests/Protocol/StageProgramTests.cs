using System.Collections.Immutable;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

public sealed class StageProgramTests
{
    [Fact]
    public void A_lone_miner_of_a_stage_adds_up_nothing() =>
        StageProgram.For(Run(["a"], ["b"]), 0, Order(WorkKind.Train)).Should().NotContain(op => op.Kind == StageOpKind.ShareGradient || op.Kind == StageOpKind.ReduceGradient);

    [Fact]
    public void Replicas_add_their_gradients_up_after_all_passes_and_before_anybody_looks_at_them()
    {
        var program = StageProgram.For(Run(["a"], ["b", "c"]), 1, Order(WorkKind.Train), replica: 1, gradientRounds: 3);

        string.Join(' ', program.Select(op => op.Kind.ToString().StartsWith("Backward", StringComparison.Ordinal) || op.Kind == StageOpKind.Forward ? "pass" : op.Kind + $"{op.MicroBatch}").Distinct())
            .Should().Be("pass ShareGradient0 ShareGradient1 ReduceGradient0 TakeGradient0 ShareGradient2 ReduceGradient1 TakeGradient1 ReduceGradient2 TakeGradient2 ShareGradientNorm0 Update0");
    }

    [Fact]
    public void One_replica_evaluates_and_keeps_snapshots_for_all()
    {
        var run = Run(["a", "b"], ["c", "d"]);

        StageProgram.For(run, 1, Order(WorkKind.Evaluate)).Should().HaveCount(StageProgram.EvaluationMicroBatches(run));
        StageProgram.For(run, 1, Order(WorkKind.Evaluate), replica: 1).Should().BeEmpty();
        StageProgram.For(run, 1, Order(WorkKind.Snapshot)).Select(op => op.Kind).Should().Equal(StageOpKind.Snapshot, StageOpKind.HashState);
        StageProgram.For(run, 1, Order(WorkKind.Snapshot), replica: 1).Select(op => op.Kind).Should().Equal(StageOpKind.HashState);
        StageProgram.For(Run(["a"]), 0, Order(WorkKind.Snapshot)).Select(op => op.Kind).Should().Equal(StageOpKind.Snapshot);
    }

    [Fact]
    public void Work_goes_to_the_miner_that_runs_the_micro_batch()
    {
        var run = Run(["a", "b"], ["c", "d", "e"]);

        Enumerable.Range(0, 6).Select(microBatch => ReplicaWork.MinerOf(run, 1, WorkKind.Train, microBatch)).Should().Equal("c", "d", "e", "c", "d", "e");
        Enumerable.Range(0, 6).Select(microBatch => ReplicaWork.MinerOf(run, 0, WorkKind.Evaluate, microBatch)).Should().OnlyContain(miner => miner == "a");
    }

    [Fact]
    public void The_formula_of_pipelines_side_by_side_is_that_of_one_of_them()
    {
        var costs = new ScheduleCosts(3, 4, 2);

        ReplicaSchedule.BubbleShare(Run(["a"], ["b"]), costs).Should().BeApproximately(PipelineSchedule.Bubble(ScheduleKind.OneForwardOneBackward, 2, 8, costs: costs).Share, 1e-12);
        ReplicaSchedule.BubbleShare(Run(["a", "b"], ["c", "d"]), costs).Should().BeApproximately(PipelineSchedule.Bubble(ScheduleKind.OneForwardOneBackward, 2, 4, costs: costs).Share, 1e-12);
        ReplicaSchedule.BubbleShare(Run(["a"], ["b", "c"]), costs).Should().BeApproximately(1 - (2 * 8 * 9.0 / (3 * ((8 * 9) + 9))), 1e-12, "two of three share what one does");
    }

    [Fact]
    public void Replicas_that_differ_are_found_and_named()
    {
        ReplicaAgreement.Objection([Report(0, "a", 1), Report(0, "b", 1), Report(1, "c", 2)]).Should().BeNull();
        ReplicaAgreement.Objection([Report(0, "a", null), Report(1, "b", null)]).Should().BeNull();
        ReplicaAgreement.Objection([Report(0, "a", 1), Report(1, "b", 2), Report(1, "c", 3)]).Should().Match("after step 7 the weights of stage 1 differ between b and c*");
    }

    [Theory]
    [InlineData(TrainingMode.Exact, ScheduleKind.Interleaved, "*one miner per stage*")]
    [InlineData(TrainingMode.Exact, ScheduleKind.ZeroBubbleAhead, null)]
    [InlineData(TrainingMode.Exact, ScheduleKind.ZeroBubbleDouble, null)]
    [InlineData(TrainingMode.Elastic, ScheduleKind.ZeroBubble, null)]
    public void Several_miners_per_stage_are_refused_to_the_interleaved_schedule_only(TrainingMode mode, ScheduleKind schedule, string? message)
    {
        var validation = FluentActions.Invoking(() => RunSpecificationValidator.Validate(Run(["a", "b"], ["c", "d", "e"]) with { Mode = mode, Schedule = schedule }));

        if (message is null)
        {
            validation.Should().NotThrow();
        }
        else
        {
            validation.Should().Throw<IotaException>().WithMessage(message);
        }
    }

    [Fact]
    public void A_miner_cannot_hold_a_stage_twice() =>
        FluentActions.Invoking(() => RunSpecificationValidator.Validate(Run(["a", "a"], ["b"]))).Should().Throw<IotaException>().WithMessage("*only once*");

    private static WorkOrder Order(WorkKind kind) => new() { Sequence = 1, Kind = kind, Step = 1, Epoch = 0 };

    private static ShardReport Report(int stage, string miner, int? hash) => new()
    {
        Session = Guid.Empty,
        Stage = stage,
        Miner = miner,
        Order = new WorkOrder { Sequence = 7, Kind = WorkKind.Snapshot, Step = 7, Epoch = 0 },
        StateHash = (UInt128?)hash,
    };

    private static TrainingRunSpecification Run(params string[][] miners) => new()
    {
        Run = "r",
        Seed = 1,
        Model = new ModelConfiguration { VocabularySize = 8, HiddenSize = 8, IntermediateSize = 8, BlockCount = miners.Length, HeadCount = 2, KeyValueHeadCount = 2, ContextLength = 8 },
        Stages = [.. miners.Select((_, stage) => new BlockRange(stage, 1))],
        Miners = [.. miners.Select(stage => stage.ToImmutableArray())],
        BatchSize = 8,
        MicroBatches = 8,
        ContextLength = 8,
        Steps = 1,
        DataDirectory = "d",
        CheckpointDirectory = "c",
    };
}
