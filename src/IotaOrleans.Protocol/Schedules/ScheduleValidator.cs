using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// Proves that the programs of all ranks make up one legal step: every pass once, every input made before it is used, no rank waiting
/// for ever, and no more activations alive than the schedule allows.
/// </summary>
public static class ScheduleValidator
{
    /// <summary>Checks the programs of all ranks.</summary>
    /// <param name="kind">The schedule; it decides how many activations may be alive.</param>
    /// <param name="programs">The passes of each rank, in rank order.</param>
    /// <param name="microBatches">Micro-batches per step.</param>
    /// <param name="chunks">Model chunks per rank.</param>
    /// <returns>The first fault, or null when there is none.</returns>
    public static ScheduleFinding? Check(ScheduleKind kind, ImmutableArray<ImmutableArray<StageOp>> programs, int microBatches, int chunks = 1)
    {
        for (var rank = 0; rank < programs.Length; rank++)
        {
            if (CheckPasses(rank, programs[rank], microBatches, chunks) is { } finding)
            {
                return finding;
            }
        }

        return CheckOrder(programs, microBatches, chunks) ?? CheckLive(kind, programs, microBatches, chunks);
    }

    private static ScheduleFinding? CheckPasses(int rank, ImmutableArray<StageOp> program, int microBatches, int chunks)
    {
        var seen = new HashSet<StageOp>();
        for (var index = 0; index < program.Length; index++)
        {
            var op = program[index];
            if (op.Kind is not (StageOpKind.Forward or StageOpKind.Backward or StageOpKind.BackwardInput or StageOpKind.BackwardWeights)
                || op.MicroBatch < 0 || op.MicroBatch >= microBatches || op.Chunk < 0 || op.Chunk >= chunks)
            {
                return new ScheduleFinding(ScheduleFault.Foreign, rank, index, op, $"no pass of a step of {microBatches} micro-batches and {chunks} chunks");
            }

            var whole = op with { Kind = StageOpKind.Backward };
            if (!seen.Add(op) || (op.Kind == StageOpKind.Backward ? Halves(op).Any(seen.Contains) : op.Kind != StageOpKind.Forward && seen.Contains(whole)))
            {
                return new ScheduleFinding(ScheduleFault.Repeated, rank, index, op, "this pass is there already");
            }
        }

        foreach (var pass in Enumerable.Range(0, microBatches * chunks))
        {
            var forward = new StageOp(StageOpKind.Forward, pass % microBatches, pass / microBatches);
            foreach (var needed in Needed(forward, seen).Where(op => !seen.Contains(op)))
            {
                return new ScheduleFinding(ScheduleFault.Missing, rank, program.Length, needed, "this pass is not in the program");
            }
        }

        return null;
    }

    private static StageOp[] Halves(StageOp op) => [op with { Kind = StageOpKind.BackwardInput }, op with { Kind = StageOpKind.BackwardWeights }];

    private static StageOp[] Needed(StageOp forward, HashSet<StageOp> seen) =>
        Halves(forward).Any(seen.Contains) ? [forward, .. Halves(forward)] : [forward, forward with { Kind = StageOpKind.Backward }];

    private static ScheduleFinding? CheckOrder(ImmutableArray<ImmutableArray<StageOp>> programs, int microBatches, int chunks)
    {
        var flow = new PipelineFlow(programs, microBatches, chunks);
        flow.Run((_, _, _) => 0, _ => 0);

        // A rank that stands before a pass of its own that comes later explains all others that wait.
        var stuck = Enumerable.Range(0, programs.Length).Where(rank => flow.Next[rank] < programs[rank].Length)
            .Select(rank => (Rank: rank, Index: flow.Next[rank], Op: programs[rank][flow.Next[rank]])).ToArray();
        foreach (var (rank, index, op) in stuck)
        {
            if (op.Kind != StageOpKind.Forward && !DoneBefore(programs[rank], index, op))
            {
                return new ScheduleFinding(ScheduleFault.OutOfOrder, rank, index, op, $"it waits for {flow.MissingInput(rank, op)}, which comes later on the same rank");
            }
        }

        return stuck is [var first, ..]
            ? new ScheduleFinding(ScheduleFault.Deadlock, first.Rank, first.Index, first.Op, $"it waits for {flow.MissingInput(first.Rank, first.Op)} for ever; {stuck.Length} ranks do not end")
            : null;
    }

    /// <summary>Whether the rank has done what it must itself do before a backward pass or half of one.</summary>
    private static bool DoneBefore(ImmutableArray<StageOp> program, int index, StageOp op)
    {
        var needed = op with { Kind = op.Kind == StageOpKind.BackwardWeights ? StageOpKind.BackwardInput : StageOpKind.Forward };
        return program.AsSpan(0, index).Contains(needed);
    }

    private static ScheduleFinding? CheckLive(ScheduleKind kind, ImmutableArray<ImmutableArray<StageOp>> programs, int microBatches, int chunks)
    {
        for (var rank = 0; rank < programs.Length; rank++)
        {
            var mostLive = PipelineSchedule.MostLive(kind, rank, programs.Length, microBatches, chunks);
            var mostBefore = PipelineSchedule.LiveBeforeBackward(kind, rank, programs.Length, microBatches, chunks);
            var (live, before) = (0, 0);
            for (var index = 0; index < programs[rank].Length; index++)
            {
                var op = programs[rank][index];
                live += Live(op);
                before += op.Kind == StageOpKind.Forward ? 1 : op.IsBackward ? -1 : 0;
                if (live > mostLive || before > mostBefore)
                {
                    var reason = live > mostLive
                        ? $"{live} activations are alive, and at most {mostLive} may be"
                        : $"{before} activations wait for their backward pass, and at most {mostBefore} may";
                    return new ScheduleFinding(ScheduleFault.TooManyLive, rank, index, op, reason);
                }
            }
        }

        return null;
    }

    /// <summary>By how much a pass changes the number of live activations.</summary>
    internal static int Live(StageOp op) => op.Kind switch
    {
        StageOpKind.Forward => 1,
        StageOpKind.Backward or StageOpKind.BackwardWeights => -1,
        _ => 0,
    };
}
