namespace IotaOrleans.Protocol.Schedules;

/// <summary>What a stage does.</summary>
public enum StageOpKind
{
    /// <summary>Run a micro-batch forward; needs the activation of the previous stage.</summary>
    Forward,

    /// <summary>Run a micro-batch backward; needs the gradient of the next stage.</summary>
    Backward,

    /// <summary>Run a micro-batch forward without keeping anything for a backward pass.</summary>
    Evaluate,

    /// <summary>Send the gradient of the tied embedding to the stage that holds the other copy.</summary>
    ShareTiedGradient,

    /// <summary>Add the other copy's gradient of the tied embedding.</summary>
    AddTiedGradient,

    /// <summary>Send the sum of squared gradients to all other stages.</summary>
    ShareGradientNorm,

    /// <summary>Clip by the whole model's gradient norm and take the optimizer step; needs every other stage's sum of squares.</summary>
    Update,

    /// <summary>Keep a copy of the stage for a checkpoint.</summary>
    Snapshot,
}

/// <summary>One instruction of a stage's program.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="MicroBatch">The micro-batch within its order, from zero; zero where none is meant.</param>
public readonly record struct StageOp(StageOpKind Kind, int MicroBatch = 0)
{
    /// <summary>Short form as drawn in papers: F0, B0; other instructions by name.</summary>
    public override string ToString() => Kind switch
    {
        StageOpKind.Forward => $"F{MicroBatch}",
        StageOpKind.Backward => $"B{MicroBatch}",
        StageOpKind.Evaluate => $"E{MicroBatch}",
        _ => Kind.ToString(),
    };
}
