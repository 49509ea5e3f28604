namespace IotaOrleans;

/// <summary>A micro-batch that is under way in a shard at the border of two segments: which weights its passes ran on, and what they were given.</summary>
/// <param name="Number">See <see cref="MicroBatchNumber"/>.</param>
/// <param name="ForwardWeights">Hash of the weights of its forward pass.</param>
/// <param name="Input">Hash of the activation that came in; zero in the first stage.</param>
/// <param name="BackwardWeights">Hash of the weights of the first half of its backward pass, or zero when that has not run.</param>
/// <param name="Gradient">Hash of the gradient that came in for it; zero in the last stage, or when the backward pass has not run.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.LivePassClaim")]
public sealed record LivePassClaim(
    [property: Id(0)] long Number,
    [property: Id(1)] UInt128 ForwardWeights,
    [property: Id(2)] UInt128 Input,
    [property: Id(3)] UInt128 BackwardWeights,
    [property: Id(4)] UInt128 Gradient);
