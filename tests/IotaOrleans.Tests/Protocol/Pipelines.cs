using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

/// <summary>A schedule in some shape, and the slow, plain reading of what makes a step legal.</summary>
internal sealed record Pipelines(ScheduleKind Kind, int Ranks, int MicroBatches, int Chunks)
{
    /// <summary>Every kind in every shape that it exists in.</summary>
    public static Gen<Pipelines> Any { get; } = Gen.Select(Gen.Enum<ScheduleKind>(), Gen.Int[1, 12], Gen.Int[1, 48], Gen.Int[1, 4], (kind, ranks, microBatches, chunks) =>
        kind == ScheduleKind.Interleaved
            ? new Pipelines(kind, ranks, Math.Max(1, microBatches / ranks) * ranks, chunks)
            : new Pipelines(kind, ranks, microBatches, 1));

    public int Passes => MicroBatches * Chunks;

    public ImmutableArray<ImmutableArray<StageOp>> Programs() => PipelineSchedule.TrainAll(Kind, Ranks, MicroBatches, Chunks);

    public PublishedBubble Bubble(ScheduleCosts costs) => PipelineSchedule.Bubble(Kind, Ranks, MicroBatches, Chunks, costs);

    /// <summary>Whether the programs, run against each other, all end.</summary>
    public static bool End(ImmutableArray<ImmutableArray<StageOp>> programs, int chunks)
    {
        var waiting = programs.Select(program => new Queue<StageOp>(program)).ToArray();
        var done = new HashSet<(int Piece, StageOpKind Kind, int MicroBatch)>();
        bool advanced;
        do
        {
            advanced = false;
            for (var rank = 0; rank < waiting.Length; rank++)
            {
                while (waiting[rank].TryPeek(out var op) && Ready(rank, op))
                {
                    var piece = (op.Chunk * waiting.Length) + rank;
                    done.Add((piece, op.Kind == StageOpKind.Backward ? StageOpKind.BackwardInput : op.Kind, op.MicroBatch));
                    waiting[rank].Dequeue();
                    advanced = true;
                }
            }
        }
        while (advanced);

        return waiting.All(program => program.Count == 0);

        bool Ready(int rank, StageOp op)
        {
            var piece = (op.Chunk * waiting.Length) + rank;
            return op.Kind switch
            {
                StageOpKind.Forward => piece == 0 || done.Contains((piece - 1, StageOpKind.Forward, op.MicroBatch)),
                StageOpKind.BackwardWeights => done.Contains((piece, StageOpKind.BackwardInput, op.MicroBatch)),
                _ => done.Contains((piece, StageOpKind.Forward, op.MicroBatch))
                    && (piece == (waiting.Length * chunks) - 1 || done.Contains((piece + 1, StageOpKind.BackwardInput, op.MicroBatch))),
            };
        }
    }

    /// <summary>The most that were begun by one kind of pass and not yet ended by another.</summary>
    public static int Most(ImmutableArray<StageOp> program, params StageOpKind[] ending)
    {
        var (open, most) = (0, 0);
        foreach (var op in program)
        {
            open += op.Kind == StageOpKind.Forward ? 1 : ending.Contains(op.Kind) ? -1 : 0;
            most = Math.Max(most, open);
        }

        return most;
    }

    public static int MostLive(ImmutableArray<StageOp> program) => Most(program, StageOpKind.Backward, StageOpKind.BackwardWeights);

    public static int MostBeforeBackward(ImmutableArray<StageOp> program) => Most(program, StageOpKind.Backward, StageOpKind.BackwardInput);
}
