namespace IotaOrleans;

/// <summary>Binds a shard to its state at the border of two segments, without showing it.</summary>
/// <param name="Weights">Hash of the weights.</param>
/// <param name="FirstMoment">Hash of the optimizer's first moments.</param>
/// <param name="SecondMoment">Hash of its second moments.</param>
/// <param name="LocalSteps">Optimizer steps that the shard took.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StateCommitment")]
public sealed record StateCommitment(
    [property: Id(0)] UInt128 Weights, [property: Id(1)] UInt128 FirstMoment, [property: Id(2)] UInt128 SecondMoment, [property: Id(3)] long LocalSteps);
