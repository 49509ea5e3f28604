using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

public sealed class ScheduleSimulatorTests
{
    private static readonly Gen<ScheduleCosts> AnyCosts = Gen.Select(
        Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[0, 9], Gen.Int[0, 3], (forward, backward, weights, communication) => new ScheduleCosts(forward, backward, weights, communication));

    [Fact]
    public void With_equal_costs_the_bubble_of_GPipe_and_1F1B_is_exactly_the_formula() => Pipelines.Any.ForAll(pipeline =>
    {
        foreach (var kind in new[] { ScheduleKind.GPipe, ScheduleKind.OneForwardOneBackward })
        {
            var timeline = ScheduleSimulator.Run(PipelineSchedule.TrainAll(kind, pipeline.Ranks, pipeline.MicroBatches), new ScheduleCosts(1, 0.5, 0.5));

            timeline.BubbleShare.Should().Be((pipeline.Ranks - 1) / (double)(pipeline.MicroBatches + pipeline.Ranks - 1));
            timeline.Makespan.Should().Be(2 * (pipeline.MicroBatches + pipeline.Ranks - 1));
        }
    });

    [Fact]
    public void Every_schedule_has_its_papers_bubble_wherever_the_formula_holds() => Gen.Select(Pipelines.Any, AnyCosts).ForAll((pipeline, costs) =>
    {
        var published = pipeline.Bubble(costs);
        var timeline = ScheduleSimulator.Run(pipeline.Programs(), costs, PipelineSchedule.OverlapsSteps(pipeline.Kind));
        if (published.Unmet is null)
        {
            timeline.Idle.Should().BeApproximately(published.Idle, 1e-9);
            timeline.BubbleShare.Should().BeApproximately(published.Share, 1e-12);
        }
        else
        {
            timeline.Idle.Should().BeGreaterThanOrEqualTo(published.Idle - 1e-9, "the formula leaves something out that costs time");
        }
    });

    [Fact]
    public void However_long_weight_gradients_take_ZB_H1_idles_as_long_as_its_longest_gap() => Gen.Select(Gen.Int[1, 12], Gen.Int[0, 30], AnyCosts).ForAll((ranks, more, costs) =>
    {
        var timeline = ScheduleSimulator.Run(PipelineSchedule.TrainAll(ScheduleKind.ZeroBubble, ranks, ranks + more), costs with { Communication = 0 });

        double[] gaps = [costs.Forward, costs.BackwardInput, costs.Forward + costs.BackwardInput - costs.BackwardWeights];
        timeline.Idle.Should().BeApproximately((ranks - 1) * gaps.Max(), 1e-9);
    });

    [Fact]
    public void ZB_2p_never_idles_longer_than_ZB_H2() => Gen.Select(Gen.Int[1, 12], Gen.Int[0, 30], AnyCosts).ForAll((ranks, more, costs) =>
    {
        var (microBatches, quick) = ((2 * ranks) + more, costs with { Communication = 0, BackwardWeights = Math.Min(costs.BackwardWeights, Math.Min(costs.Forward, costs.BackwardInput)) });

        Idle(ScheduleKind.ZeroBubbleDouble).Should().BeLessThanOrEqualTo(Idle(ScheduleKind.ZeroBubbleAhead) + 1e-9);

        double Idle(ScheduleKind kind) => ScheduleSimulator.Run(PipelineSchedule.TrainAll(kind, ranks, microBatches), quick, overlapsSteps: true).Idle;
    });

    [Fact]
    public void With_two_ranks_and_the_costs_of_real_passes_ZB_2p_leaves_nothing_idle()
    {
        // Milliseconds of the preset tiny on one core each.
        var costs = new ScheduleCosts(66, 79, 54);

        Idle(ScheduleKind.ZeroBubbleAhead).Should().Be(66 + 79 - (2 * 54));
        Idle(ScheduleKind.ZeroBubbleDouble).Should().Be(0);

        double Idle(ScheduleKind kind) => ScheduleSimulator.Run(PipelineSchedule.TrainAll(kind, 2, 8), costs, overlapsSteps: true).Idle;
    }

    [Fact]
    public void At_eight_ranks_and_sixteen_micro_batches_the_papers_comparison_comes_out()
    {
        var plain = Simulate(ScheduleKind.OneForwardOneBackward, 1);

        plain.Idle.Should().Be(7 * 3);
        Simulate(ScheduleKind.GPipe, 1).Idle.Should().Be(plain.Idle);
        Simulate(ScheduleKind.Interleaved, 2).Idle.Should().Be(plain.Idle / 2);
        Simulate(ScheduleKind.ZeroBubble, 1).Idle.Should().Be(plain.Idle / 3);
        Simulate(ScheduleKind.ZeroBubble, 1).PeakLive.Should().Be(plain.PeakLive).And.Be(8);
        Simulate(ScheduleKind.GPipe, 1).PeakLive.Should().Be(16);
        Simulate(ScheduleKind.ZeroBubbleAhead, 1).Idle.Should().Be(0, "a rank begins the next step while the others end this one");
        Simulate(ScheduleKind.ZeroBubbleAhead, 1).PeakLive.Should().Be(15);

        static ScheduleTimeline Simulate(ScheduleKind kind, int chunks) =>
            ScheduleSimulator.Run(PipelineSchedule.TrainAll(kind, 8, 16, chunks), new ScheduleCosts().PerChunk(chunks), PipelineSchedule.OverlapsSteps(kind));
    }

    [Fact]
    public void A_rank_does_one_pass_at_a_time_in_its_order_and_never_before_the_inputs_have_arrived() => Gen.Select(Pipelines.Any, AnyCosts).ForAll((pipeline, costs) =>
    {
        var programs = pipeline.Programs();
        var timeline = ScheduleSimulator.Run(programs, costs);
        var ends = timeline.Ranks.SelectMany(rank => rank.Ops.Select(timed => (Piece: (timed.Op.Chunk * pipeline.Ranks) + rank.Rank, timed.Op, timed.End)))
            .ToDictionary(it => (it.Piece, it.Op.Kind == StageOpKind.Backward ? StageOpKind.BackwardInput : it.Op.Kind, it.Op.MicroBatch), it => it.End);
        var last = (pipeline.Ranks * pipeline.Chunks) - 1;
        var delay = pipeline.Ranks > 1 ? costs.Communication : 0;
        foreach (var rank in timeline.Ranks)
        {
            rank.Ops.Select(timed => timed.Op).Should().Equal(programs[rank.Rank]);
            var free = 0d;
            foreach (var (op, start, end) in rank.Ops)
            {
                var piece = (op.Chunk * pipeline.Ranks) + rank.Rank;
                var arrived = op.Kind switch
                {
                    StageOpKind.Forward when piece > 0 => ends[(piece - 1, StageOpKind.Forward, op.MicroBatch)] + delay,
                    StageOpKind.Backward or StageOpKind.BackwardInput when piece < last => ends[(piece + 1, StageOpKind.BackwardInput, op.MicroBatch)] + delay,
                    _ => 0,
                };
                start.Should().Be(Math.Max(free, arrived), "a pass starts as soon as it can");
                end.Should().Be(start + costs.Of(op.Kind));
                free = end;
            }
        }

        timeline.Makespan.Should().Be(timeline.Ranks.Max(rank => rank.Ops[^1].End));
    });

    [Fact]
    public void Time_is_either_busy_or_idle_and_peaks_are_those_of_the_programs() => Gen.Select(Pipelines.Any, AnyCosts).ForAll((pipeline, costs) =>
    {
        var timeline = ScheduleSimulator.Run(pipeline.Programs(), costs, PipelineSchedule.OverlapsSteps(pipeline.Kind));
        foreach (var rank in timeline.Ranks)
        {
            rank.Busy.Should().BeApproximately(pipeline.Passes * costs.Both, 1e-9);
            (rank.Busy + rank.Idle).Should().BeApproximately(timeline.Period, 1e-9);
            rank.PeakLive.Should().Be(Pipelines.MostLive(rank.Ops.Select(timed => timed.Op).ToImmutableArray()));
        }
    });

    [Fact]
    public void Steps_that_follow_each_other_come_every_period() => Gen.Select(Gen.Int[1, 12], Gen.Int[1, 24], AnyCosts).ForAll((ranks, microBatches, costs) =>
    {
        var step = PipelineSchedule.TrainAll(ScheduleKind.ZeroBubbleAhead, ranks, microBatches);
        var period = ScheduleSimulator.Run(step, costs, overlapsSteps: true).Period;

        // Here nothing waits for validation: a step may follow sooner than in the period, never later.
        (Makespan(steps: 6) - Makespan(steps: 5)).Should().BeLessThanOrEqualTo(period + 1e-9);
        if (costs.BackwardWeights <= Math.Min(costs.Forward, costs.BackwardInput) && costs.Communication == 0 && microBatches >= (2 * ranks) - 1)
        {
            (Makespan(steps: 6) - Makespan(steps: 5)).Should().BeApproximately(period, 1e-9);
        }

        double Makespan(int steps) => ScheduleSimulator.Run(
            [.. step.Select(program => Enumerable.Range(0, steps).SelectMany(number => program.Select(op => op with { MicroBatch = op.MicroBatch + (number * microBatches) })).ToImmutableArray())],
            costs).Makespan;
    });

    [Fact]
    public void The_slowest_piece_sets_the_pace()
    {
        var programs = PipelineSchedule.TrainAll(ScheduleKind.OneForwardOneBackward, 3, 10);

        var timeline = ScheduleSimulator.Run(programs, piece => new ScheduleCosts(piece == 1 ? 4 : 1, piece == 1 ? 4 : 1, 0));

        timeline.Ranks[1].Busy.Should().Be(80);
        timeline.Makespan.Should().Be(1 + 80 + 1);
        timeline.Ranks.Select(rank => rank.BubbleShare).Should().BeEquivalentTo([62 / 82.0, 2 / 82.0, 62 / 82.0], "an idle rank is one that waits for the slow one");
    }

    [Fact]
    public void Programs_that_wait_for_ever_are_refused() =>
        ((Func<ScheduleTimeline>)(() => ScheduleSimulator.Run([[new StageOp(StageOpKind.Backward)], [new StageOp(StageOpKind.Forward)]], new ScheduleCosts())))
            .Should().Throw<ArgumentException>().WithMessage("rank 0 waits for ever at B0*");
}
