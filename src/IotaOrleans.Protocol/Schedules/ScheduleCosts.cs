namespace IotaOrleans.Protocol.Schedules;

/// <summary>How long the passes of one model piece take, in any unit of time.</summary>
/// <param name="Forward">A forward pass.</param>
/// <param name="BackwardInput">The gradient of the input.</param>
/// <param name="BackwardWeights">The gradient of the weights; a whole backward pass takes both.</param>
/// <param name="Communication">What passes between the end of a pass and the arrival of its result on another rank; no rank is busy with it.</param>
public sealed record ScheduleCosts(double Forward = 1, double BackwardInput = 1, double BackwardWeights = 1, double Communication = 0)
{
    /// <summary>A forward and a whole backward pass.</summary>
    public double Both => Forward + BackwardInput + BackwardWeights;

    /// <summary>The costs of each of several equal chunks into which the piece is cut; a message takes as long as before.</summary>
    public ScheduleCosts PerChunk(int chunks) =>
        this with { Forward = Forward / chunks, BackwardInput = BackwardInput / chunks, BackwardWeights = BackwardWeights / chunks };

    /// <summary>The time of a pass.</summary>
    public double Of(StageOpKind kind) => kind switch
    {
        StageOpKind.Forward => Forward,
        StageOpKind.Backward => BackwardInput + BackwardWeights,
        StageOpKind.BackwardInput => BackwardInput,
        StageOpKind.BackwardWeights => BackwardWeights,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a pass of a micro-batch"),
    };
}
