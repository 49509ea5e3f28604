using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>The whole sequence of instructions by which one miner of a stage carries out a work order.</summary>
public static class StageProgram
{
    /// <summary>The instructions of a stage's miner for an order.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="order">The order; the program depends on its kind only.</param>
    /// <param name="replica">Which of the stage's miners, from zero.</param>
    /// <param name="gradientRounds">Rounds in which the stage's miners add up their gradients; see <see cref="GradientPieces"/>.</param>
    public static ImmutableArray<StageOp> For(TrainingRunSpecification specification, int stage, WorkOrder order, int replica = 0, int gradientRounds = 1) => order.Kind switch
    {
        WorkKind.Train => Train(specification, stage, replica, gradientRounds),
        WorkKind.Evaluate => [.. Enumerable.Range(0, replica == 0 ? EvaluationMicroBatches(specification) : 0).Select(index => new StageOp(StageOpKind.Evaluate, index))],
        WorkKind.Snapshot => Snapshot(specification, stage, replica),
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
        return [.. InterleavedPasses(specification, rank).Select(op => new StageTurn((op.Chunk * specification.Ranks) + rank, op with { Chunk = 0 }))];
    }

    /// <summary>Micro-batches of one evaluation; the last one may be smaller.</summary>
    public static int EvaluationMicroBatches(TrainingRunSpecification specification) =>
        (specification.EvaluationSequences + specification.MicroBatchSize - 1) / specification.MicroBatchSize;

    /// <summary>Whether two different stages hold the embedding and must add their gradients.</summary>
    public static bool HoldsTiedCopy(TrainingRunSpecification specification, int stage) =>
        specification.Model.TiedEmbeddings && specification.Stages.Length > 1 && (stage == 0 || stage == specification.Stages.Length - 1);

    private static ImmutableArray<StageOp> InterleavedPasses(TrainingRunSpecification specification, int rank) =>
        PipelineSchedule.Train(specification.Schedule, rank, specification.Ranks, specification.MicroBatches, specification.Chunks);

    private static IEnumerable<StageOp> Passes(TrainingRunSpecification specification, int stage, int replica) => specification.Chunks > 1
        ? InterleavedPasses(specification, stage % specification.Ranks).Where(op => op.Chunk == stage / specification.Ranks).Select(op => op with { Chunk = 0 })
        : ReplicaSchedule.Train(specification.Schedule, [.. specification.Miners.Select(miners => miners.Length)], specification.MicroBatches, stage, replica);

    private static ImmutableArray<StageOp> Train(TrainingRunSpecification specification, int stage, int replica, int gradientRounds)
    {
        var ops = ImmutableArray.CreateBuilder<StageOp>();
        ops.AddRange(Passes(specification, stage, replica));
        if (specification.Miners[stage].Length > 1)
        {
            AddReduction(ops, gradientRounds);
        }

        if (HoldsTiedCopy(specification, stage))
        {
            ops.Add(new StageOp(StageOpKind.ShareTiedGradient));
            ops.Add(new StageOp(StageOpKind.AddTiedGradient));
        }

        ops.Add(new StageOp(StageOpKind.ShareGradientNorm));
        ops.Add(new StageOp(StageOpKind.Update));
        return ops.ToImmutable();
    }

    private static void AddReduction(ImmutableArray<StageOp>.Builder ops, int rounds)
    {
        for (var round = 0; round <= rounds; round++)
        {
            // A round ahead, so that nobody waits for the way of a piece, and no more, so that only two rounds are under way.
            if (round < rounds)
            {
                ops.Add(new StageOp(StageOpKind.ShareGradient, round));
            }

            if (round > 0)
            {
                ops.Add(new StageOp(StageOpKind.ReduceGradient, round - 1));
                ops.Add(new StageOp(StageOpKind.TakeGradient, round - 1));
            }
        }
    }

    private static ImmutableArray<StageOp> Snapshot(TrainingRunSpecification specification, int stage, int replica)
    {
        StageOp[] copy = replica == 0 ? [new StageOp(StageOpKind.Snapshot)] : [];
        StageOp[] hash = specification.Miners[stage].Length > 1 ? [new StageOp(StageOpKind.HashState)] : [];
        return [.. copy, .. hash];
    }
}

/// <summary>One pass of a miner that holds several stages.</summary>
/// <param name="Stage">The stage that runs it.</param>
/// <param name="Op">The pass, as the stage's own program has it.</param>
public readonly record struct StageTurn(int Stage, StageOp Op);
