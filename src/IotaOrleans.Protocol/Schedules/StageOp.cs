namespace IotaOrleans.Protocol.Schedules;

/// <summary>What a stage does with one micro-batch.</summary>
public enum StageOpKind
{
    /// <summary>Run the stage forward; needs the activation of the previous stage.</summary>
    Forward,

    /// <summary>Run the stage backward; needs the gradient of the next stage.</summary>
    Backward,
}

/// <summary>One instruction of a pipeline schedule.</summary>
/// <param name="Kind">Forward or backward.</param>
/// <param name="MicroBatch">The micro-batch within the step, from zero.</param>
public readonly record struct StageOp(StageOpKind Kind, int MicroBatch)
{
    /// <summary>Short form as drawn in papers: F0, B0.</summary>
    public override string ToString() => $"{(Kind == StageOpKind.Forward ? 'F' : 'B')}{MicroBatch}";
}
