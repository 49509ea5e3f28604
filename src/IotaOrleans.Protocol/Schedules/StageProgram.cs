using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>The whole sequence of instructions by which one stage carries out a work order.</summary>
public static class StageProgram
{
    /// <summary>The instructions of a stage for an order.</summary>
    public static ImmutableArray<StageOp> For(TrainingRunSpecification specification, int stage, WorkOrder order) => order.Kind switch
    {
        WorkKind.Train => Train(specification, stage),
        WorkKind.Evaluate => [.. Enumerable.Range(0, EvaluationMicroBatches(specification)).Select(index => new StageOp(StageOpKind.Evaluate, index))],
        WorkKind.Snapshot => [new StageOp(StageOpKind.Snapshot)],
        _ => throw new ArgumentOutOfRangeException(nameof(order), order.Kind, "unknown kind of order"),
    };

    /// <summary>
    /// The passes of a training order in the order in which a miner runs them with all of its stages; empty when it holds only one and
    /// follows that stage's program.
    /// </summary>
    public static ImmutableArray<StageTurn> TurnsOf(TrainingRunSpecification specification, string miner)
    {
        if (specification.Chunks == 1)
        {
            return [];
        }

        var rank = specification.Miners.Select(miners => miners[0]).ToList().IndexOf(miner);
        return [.. Passes(specification, rank).Select(op => new StageTurn((op.Chunk * specification.Ranks) + rank, op with { Chunk = 0 }))];
    }

    /// <summary>Micro-batches of one evaluation; the last one may be smaller.</summary>
    public static int EvaluationMicroBatches(TrainingRunSpecification specification) =>
        (specification.EvaluationSequences + specification.MicroBatchSize - 1) / specification.MicroBatchSize;

    /// <summary>Whether two different stages hold the embedding and must add their gradients.</summary>
    public static bool HoldsTiedCopy(TrainingRunSpecification specification, int stage) =>
        specification.Model.TiedEmbeddings && specification.Stages.Length > 1 && (stage == 0 || stage == specification.Stages.Length - 1);

    private static ImmutableArray<StageOp> Passes(TrainingRunSpecification specification, int rank) =>
        PipelineSchedule.Train(specification.Schedule, rank, specification.Ranks, specification.MicroBatches, specification.Chunks);

    private static ImmutableArray<StageOp> Train(TrainingRunSpecification specification, int stage)
    {
        var ops = ImmutableArray.CreateBuilder<StageOp>();
        var chunk = stage / specification.Ranks;
        ops.AddRange(Passes(specification, stage % specification.Ranks).Where(op => op.Chunk == chunk).Select(op => op with { Chunk = 0 }));
        if (HoldsTiedCopy(specification, stage))
        {
            ops.Add(new StageOp(StageOpKind.ShareTiedGradient));
            ops.Add(new StageOp(StageOpKind.AddTiedGradient));
        }

        ops.Add(new StageOp(StageOpKind.ShareGradientNorm));
        ops.Add(new StageOp(StageOpKind.Update));
        return ops.ToImmutable();
    }
}

/// <summary>One pass of a miner that holds several stages.</summary>
/// <param name="Stage">The stage that runs it.</param>
/// <param name="Op">The pass, as the stage's own program has it.</param>
public readonly record struct StageTurn(int Stage, StageOp Op);
