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

    /// <summary>Micro-batches of one evaluation; the last one may be smaller.</summary>
    public static int EvaluationMicroBatches(TrainingRunSpecification specification) =>
        (specification.EvaluationSequences + specification.MicroBatchSize - 1) / specification.MicroBatchSize;

    /// <summary>Whether two different stages hold the embedding and must add their gradients.</summary>
    public static bool HoldsTiedCopy(TrainingRunSpecification specification, int stage) =>
        specification.Model.TiedEmbeddings && specification.Stages.Length > 1 && (stage == 0 || stage == specification.Stages.Length - 1);

    private static ImmutableArray<StageOp> Train(TrainingRunSpecification specification, int stage)
    {
        var ops = ImmutableArray.CreateBuilder<StageOp>();
        ops.AddRange(PipelineSchedule.Train(specification.Schedule, stage, specification.Stages.Length, specification.MicroBatches));
        if (HoldsTiedCopy(specification, stage))
        {
            ops.Add(new StageOp(StageOpKind.ShareTiedGradient));
            ops.Add(new StageOp(StageOpKind.AddTiedGradient));
        }

        // In elastic mode a stage clips by its own share of the bound and asks nobody.
        if (specification.Mode == TrainingMode.Exact)
        {
            ops.Add(new StageOp(StageOpKind.ShareGradientNorm));
        }

        ops.Add(new StageOp(StageOpKind.Update));
        return ops.ToImmutable();
    }
}
