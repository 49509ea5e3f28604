using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

public sealed class ReplicaScheduleTests
{
    private static readonly Gen<ScheduleKind> Kinds = Gen.Enum<ScheduleKind>().Where(kind => kind != ScheduleKind.Interleaved);

    private static readonly Gen<Shape> Any = Gen.Select(
        Kinds,
        Gen.Int[1, 4].Array[1, 4],
        Gen.Int[1, 12],
        (kind, replicas, microBatches) => new Shape(kind, [.. replicas], microBatches));

    [Fact]
    public void Each_micro_batch_is_run_once_per_stage_by_its_owner() => Any.ForAll(
        shape =>
        {
            StageOpKind[] kinds = PipelineSchedule.SplitsBackward(shape.Kind)
                ? [StageOpKind.Forward, StageOpKind.BackwardInput, StageOpKind.BackwardWeights]
                : [StageOpKind.Forward, StageOpKind.Backward];
            for (var stage = 0; stage < shape.Replicas.Length; stage++)
            {
                for (var replica = 0; replica < shape.Replicas[stage]; replica++)
                {
                    var owned = Enumerable.Range(0, shape.MicroBatches).Where(microBatch => microBatch % shape.Replicas[stage] == replica);
                    var expected = owned.SelectMany(microBatch => kinds.Select(kind => new StageOp(kind, microBatch))).ToHashSet();
                    var program = shape.Program(stage, replica);

                    (program.Length, expected.SetEquals(program)).Should().Be((expected.Count, true), "{0} of stage {1} in {2}", replica, stage, shape);
                }
            }
        },
        cases: 400);

    [Fact]
    public void Backward_passes_are_completed_in_the_order_in_which_they_began() => Any.ForAll(
        shape =>
        {
            for (var stage = 0; stage < shape.Replicas.Length; stage++)
            {
                for (var replica = 0; replica < shape.Replicas[stage]; replica++)
                {
                    var program = shape.Program(stage, replica);

                    OfKind(program, StageOpKind.BackwardWeights).Should().Equal(PipelineSchedule.SplitsBackward(shape.Kind) ? OfKind(program, StageOpKind.BackwardInput) : []);
                }
            }

            static IEnumerable<int> OfKind(ImmutableArray<StageOp> program, StageOpKind kind) => program.Where(op => op.Kind == kind).Select(op => op.MicroBatch);
        },
        cases: 400);

    [Fact]
    public void The_programs_can_be_run_without_anybody_waiting_in_a_circle() => Any.ForAll(shape => shape.Ends().Should().BeTrue(), cases: 400);

    [Fact]
    public void No_miner_holds_more_activations_than_in_a_pipeline_of_its_own() => Any.ForAll(
        shape =>
        {
            for (var stage = 0; stage < shape.Replicas.Length; stage++)
            {
                for (var replica = 0; replica < shape.Replicas[stage]; replica++)
                {
                    var program = shape.Program(stage, replica);
                    var own = program.Count(op => op.Kind == StageOpKind.Forward);

                    Pipelines.MostLive(program).Should().BeLessThanOrEqualTo(PipelineSchedule.MostLive(shape.Kind, stage, shape.Replicas.Length, own));
                    Pipelines.MostBeforeBackward(program).Should().BeLessThanOrEqualTo(PipelineSchedule.LiveBeforeBackward(shape.Kind, stage, shape.Replicas.Length, own));
                }
            }
        },
        cases: 400);

    [Fact]
    public void One_miner_per_stage_follows_the_published_schedule() => Pipelines.Any.Where(pipeline => pipeline.Kind != ScheduleKind.Interleaved).ForAll(pipeline =>
    {
        var programs = pipeline.Programs();
        for (var stage = 0; stage < pipeline.Ranks; stage++)
        {
            ReplicaSchedule.Train(pipeline.Kind, [.. Enumerable.Repeat(1, pipeline.Ranks)], pipeline.MicroBatches, stage, 0).Should().Equal(programs[stage]);
        }
    });

    [Theory]
    [InlineData(ScheduleKind.OneForwardOneBackward, "2 2", 0, 0, "F0 F2 B0 F4 B2 F6 B4 B6")]
    [InlineData(ScheduleKind.OneForwardOneBackward, "2 2", 1, 1, "F1 B1 F3 B3 F5 B5 F7 B7")]
    [InlineData(ScheduleKind.OneForwardOneBackward, "1 2", 0, 0, "F0 F1 B0 F2 B1 F3 B2 F4 B3 F5 B4 F6 B5 F7 B6 B7")]
    [InlineData(ScheduleKind.OneForwardOneBackward, "1 2", 1, 0, "F0 B0 F2 B2 F4 B4 F6 B6")]
    [InlineData(ScheduleKind.GPipe, "2 3", 1, 2, "F2 F5 B2 B5")]
    public void A_program_reads_as_one_would_write_it(ScheduleKind kind, string replicas, int stage, int replica, string program) =>
        string.Join(' ', ReplicaSchedule.Train(kind, [.. replicas.Split(' ').Select(int.Parse)], 8, stage, replica)).Should().Be(program);

    [Fact]
    public void More_miners_in_some_stages_cost_no_time() => Gen.Select(
        Kinds,
        Gen.Int[1, 3].Array[2, 4],
        Gen.Int[8, 24]).ForAll((kind, replicas, microBatches) =>
    {
        var fewest = Enumerable.Repeat(replicas.Min(), replicas.Length);

        new Shape(kind, [.. replicas], microBatches).Makespan().Should().BeLessThanOrEqualTo(1.1 * new Shape(kind, [.. fewest], microBatches).Makespan(), "{0} with [{1}]", kind, string.Join(", ", replicas));
    });

    [Fact]
    public void The_interleaved_schedule_with_several_miners_per_stage_is_refused() =>
        FluentActions.Invoking(() => ReplicaSchedule.Train(ScheduleKind.Interleaved, [2, 2], 4, 0, 0)).Should().Throw<ArgumentException>().WithMessage("*one miner per stage*");

    private sealed record Shape(ScheduleKind Kind, ImmutableArray<int> Replicas, int MicroBatches)
    {
        public ImmutableArray<StageOp> Program(int stage, int replica) => ReplicaSchedule.Train(Kind, Replicas, MicroBatches, stage, replica);

        /// <summary>When the last pass ends if each takes one unit of time, and each half of a backward pass.</summary>
        public double Makespan()
        {
            var ends = new Dictionary<(int Stage, StageOpKind Kind, int MicroBatch), double>();
            var waiting = Programs();
            var free = new double[waiting.Length];
            while (waiting.Any(program => program.Ops.Count > 0))
            {
                for (var index = 0; index < waiting.Length; index++)
                {
                    var (stage, ops) = waiting[index];
                    while (ops.TryPeek(out var op) && Inputs(stage, op).All(ends.ContainsKey))
                    {
                        ops.Dequeue();
                        free[index] = Inputs(stage, op).Select(input => ends[input]).Append(free[index]).Max() + new ScheduleCosts().Of(op.Kind);
                        ends[(stage, Half(op.Kind), op.MicroBatch)] = free[index];
                    }
                }
            }

            return free.Max();
        }

        /// <summary>Whether all programs, each run as far as its inputs allow, come to their ends.</summary>
        public bool Ends()
        {
            var waiting = Programs();
            var done = new HashSet<(int Stage, StageOpKind Kind, int MicroBatch)>();
            bool advanced;
            do
            {
                advanced = false;
                foreach (var (stage, ops) in waiting)
                {
                    while (ops.TryPeek(out var op) && Inputs(stage, op).All(done.Contains))
                    {
                        ops.Dequeue();
                        done.Add((stage, Half(op.Kind), op.MicroBatch));
                        advanced = true;
                    }
                }
            }
            while (advanced);

            return waiting.All(program => program.Ops.Count == 0);
        }

        private static StageOpKind Half(StageOpKind kind) => kind == StageOpKind.Backward ? StageOpKind.BackwardInput : kind;

        private (int Stage, Queue<StageOp> Ops)[] Programs() =>
            [.. Replicas.SelectMany((count, stage) => Enumerable.Range(0, count).Select(replica => (stage, new Queue<StageOp>(Program(stage, replica)))))];

        private IEnumerable<(int Stage, StageOpKind Kind, int MicroBatch)> Inputs(int stage, StageOp op)
        {
            if (op.Kind == StageOpKind.BackwardWeights)
            {
                return [(stage, StageOpKind.BackwardInput, op.MicroBatch)];
            }

            if (op.Kind == StageOpKind.Forward)
            {
                return stage == 0 ? [] : [(stage - 1, StageOpKind.Forward, op.MicroBatch)];
            }

            var own = (stage, StageOpKind.Forward, op.MicroBatch);
            return stage == Replicas.Length - 1 ? [own] : [own, (stage + 1, StageOpKind.BackwardInput, op.MicroBatch)];
        }
    }
}
