namespace IotaOrleans.Protocol.Schedules;

/// <summary>What a stage does.</summary>
public enum StageOpKind
{
    /// <summary>Run a micro-batch forward; needs the activation of the previous stage.</summary>
    Forward,

    /// <summary>Run a micro-batch backward, through inputs and weights; needs the gradient of the next stage.</summary>
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

    /// <summary>The first half of a backward pass: the gradient of the input, which the stage before waits for.</summary>
    BackwardInput,

    /// <summary>The second half of a backward pass: the gradient of the weights, which nobody waits for before the update.</summary>
    BackwardWeights,

    /// <summary>Send the pieces of the gradient that other replicas of the stage add up in a round; see <see cref="GradientPieces"/>.</summary>
    ShareGradient,

    /// <summary>Add up the own piece of a round and send the sum to the other replicas; needs their parts of it.</summary>
    ReduceGradient,

    /// <summary>Take over the sums of a round; needs those of all other replicas.</summary>
    TakeGradient,

    /// <summary>Hash weights and optimizer state, so that the replicas of a stage can be compared.</summary>
    HashState,
}

/// <summary>One instruction of a stage's program.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="MicroBatch">The micro-batch within its order, from zero, or the round in which replicas add up their gradients; zero where none is meant.</param>
/// <param name="Chunk">Which of the rank's model chunks, from zero; always zero unless the schedule is interleaved.</param>
public readonly record struct StageOp(StageOpKind Kind, int MicroBatch = 0, int Chunk = 0)
{
    /// <summary>Whether the gradient of the input is ready after it: a whole backward pass, or its first half.</summary>
    public bool IsBackward => Kind is StageOpKind.Backward or StageOpKind.BackwardInput;

    /// <summary>Short form as drawn in papers: F0, B0, W0, and F0.1 in the second chunk; other instructions by name.</summary>
    public override string ToString()
    {
        var letter = Kind switch
        {
            StageOpKind.Forward => "F",
            StageOpKind.Backward or StageOpKind.BackwardInput => "B",
            StageOpKind.BackwardWeights => "W",
            StageOpKind.Evaluate => "E",
            _ => null,
        };
        return letter is null ? Kind.ToString() : Chunk > 0 ? $"{letter}{MicroBatch}.{Chunk}" : $"{letter}{MicroBatch}";
    }
}
