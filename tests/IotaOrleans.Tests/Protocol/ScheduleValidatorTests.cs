using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

public sealed class ScheduleValidatorTests
{
    private static readonly Gen<(Pipelines Pipeline, int Rank, int First, int Second)> AnyMutation =
        from pipeline in Pipelines.Any
        from rank in Gen.Int[0, pipeline.Ranks - 1]
        let length = PipelineSchedule.Train(pipeline.Kind, rank, pipeline.Ranks, pipeline.MicroBatches, pipeline.Chunks).Length
        from first in Gen.Int[0, length - 1]
        from second in Gen.Int[0, length - 1]
        select (pipeline, rank, first, second);

    [Fact]
    public void Every_schedule_is_a_legal_step_in_every_shape() => Pipelines.Any.ForAll(pipeline =>
        Check(pipeline, pipeline.Programs()).Should().BeNull());

    [Fact]
    public void A_dropped_pass_is_missed() => AnyMutation.ForAll(mutation =>
    {
        var (pipeline, rank, index, _) = mutation;
        var programs = pipeline.Programs();
        var dropped = programs[rank][index];

        var finding = Check(pipeline, programs.SetItem(rank, programs[rank].RemoveAt(index)));

        finding.Should().NotBeNull();
        finding!.Fault.Should().Be(ScheduleFault.Missing);
        (finding.Rank, finding.Index, finding.Op).Should().Be((rank, programs[rank].Length - 1, dropped));
    });

    [Fact]
    public void A_pass_that_is_there_twice_is_found_where_it_comes_again() => AnyMutation.ForAll(mutation =>
    {
        var (pipeline, rank, from, to) = mutation;
        var programs = pipeline.Programs();
        var again = programs[rank][from];

        var finding = Check(pipeline, programs.SetItem(rank, programs[rank].Insert(to, again)));

        (finding!.Fault, finding.Rank, finding.Index, finding.Op).Should().Be((ScheduleFault.Repeated, rank, Math.Max(to, from + (to <= from ? 1 : 0)), again));
    });

    [Fact]
    public void Two_swapped_passes_are_found_exactly_when_the_step_no_longer_ends_or_holds_too_much() => AnyMutation.ForAll(mutation =>
    {
        var (pipeline, rank, first, second) = mutation;
        var programs = pipeline.Programs();
        var swapped = programs.SetItem(rank, programs[rank].SetItem(first, programs[rank][second]).SetItem(second, programs[rank][first]));

        var finding = Check(pipeline, swapped);

        if (!Pipelines.End(swapped, pipeline.Chunks))
        {
            finding!.Fault.Should().BeOneOf(ScheduleFault.OutOfOrder, ScheduleFault.Deadlock);
        }
        else if (Enumerable.Range(0, pipeline.Ranks).Any(it => HoldsTooMuch(pipeline, swapped, it)))
        {
            (finding!.Fault, finding.Rank).Should().Be((ScheduleFault.TooManyLive, rank));
        }
        else
        {
            finding.Should().BeNull();
        }
    }, cases: 1000);

    [Theory]
    [InlineData("B0 F0", "F0 B0", ScheduleFault.OutOfOrder, 0, 0, "its own forward pass")]
    [InlineData("F0 W0 B0", "F0 B0", ScheduleFault.Repeated, 0, 2, "there already")]
    [InlineData("F0 B0 W0", "F0 B0", ScheduleFault.Repeated, 0, 2, "there already")]
    [InlineData("F0 I0", "F0 B0", ScheduleFault.Missing, 0, 2, "not in the program")]
    [InlineData("F0 W0 I0", "F0 B0", ScheduleFault.OutOfOrder, 0, 1, "its own input gradient")]
    [InlineData("F0 B0", "F0 F7 B0", ScheduleFault.Foreign, 1, 1, "no pass of a step of 1 micro-batches")]
    [InlineData("F0 B0", "F0 U0", ScheduleFault.Foreign, 1, 1, "no pass of a step")]
    [InlineData("", "", ScheduleFault.Missing, 0, 0, "not in the program")]
    public void A_finding_names_the_place_and_the_reason(string rank0, string rank1, ScheduleFault fault, int rank, int index, string reason)
    {
        var finding = ScheduleValidator.Check(ScheduleKind.GPipe, [Parse(rank0), Parse(rank1)], 1);

        (finding!.Fault, finding.Rank, finding.Index).Should().Be((fault, rank, index), finding.ToString());
        finding.Reason.Should().Contain(reason);
    }

    [Fact]
    public void Ranks_that_wait_for_each_other_are_a_deadlock()
    {
        var finding = ScheduleValidator.Check(ScheduleKind.GPipe, [Parse("F0 B0 F1 B1"), Parse("F0 F1 B0 B1")], 2);

        finding!.ToString().Should().Be("rank 0, pass 1 (B0): it waits for the gradient of piece 1 for ever; 2 ranks do not end");
    }

    [Fact]
    public void All_forwards_first_is_too_much_for_1F1B()
    {
        var finding = ScheduleValidator.Check(ScheduleKind.OneForwardOneBackward, PipelineSchedule.TrainAll(ScheduleKind.GPipe, 2, 4), 4);

        finding!.ToString().Should().Be("rank 0, pass 2 (F2): 3 activations are alive, and at most 2 may be");
    }

    private static bool HoldsTooMuch(Pipelines pipeline, ImmutableArray<ImmutableArray<StageOp>> programs, int rank)
    {
        var (kind, ranks, microBatches, chunks) = pipeline;
        var mostWaiting = kind switch
        {
            ScheduleKind.GPipe => microBatches,
            ScheduleKind.Interleaved => Math.Min(microBatches * chunks, ((ranks - rank - 1) * 2) + ((chunks - 1) * ranks) + 1),
            ScheduleKind.ZeroBubbleAhead => (2 * (ranks - rank)) - 1,
            ScheduleKind.ZeroBubbleDouble => rank == ranks - 1 ? 1 : 2 * (ranks - rank),
            _ => ranks - rank,
        };
        var mostLive = kind switch
        {
            ScheduleKind.ZeroBubble => ranks,
            ScheduleKind.ZeroBubbleAhead => (2 * ranks) - 1,
            ScheduleKind.ZeroBubbleDouble => 2 * ranks,
            _ => mostWaiting,
        };
        return Pipelines.MostBeforeBackward(programs[rank]) > mostWaiting || Pipelines.MostLive(programs[rank]) > mostLive;
    }

    private static ScheduleFinding? Check(Pipelines pipeline, ImmutableArray<ImmutableArray<StageOp>> programs) =>
        ScheduleValidator.Check(pipeline.Kind, programs, pipeline.MicroBatches, pipeline.Chunks);

    private static ImmutableArray<StageOp> Parse(string program) =>
    [
        .. program.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => new StageOp(
            word[0] switch
            {
                'F' => StageOpKind.Forward,
                'B' => StageOpKind.Backward,
                'I' => StageOpKind.BackwardInput,
                'W' => StageOpKind.BackwardWeights,
                _ => StageOpKind.Update,
            },
            int.Parse(word[1..], System.Globalization.CultureInfo.InvariantCulture))),
    ];
}
