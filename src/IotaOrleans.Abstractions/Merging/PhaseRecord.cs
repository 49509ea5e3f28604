namespace IotaOrleans;

/// <summary>A phase that has ended.</summary>
/// <param name="Round">The round.</param>
/// <param name="Phase">The phase.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="From">When it began.</param>
/// <param name="To">When it ended.</param>
/// <param name="Arrived">Miners that had arrived.</param>
/// <param name="Expected">Living miners that were waited for, the arrived among them.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.PhaseRecord")]
public sealed record PhaseRecord(
    [property: Id(0)] long Round,
    [property: Id(1)] StagePhase Phase,
    [property: Id(2)] PhaseOutcome Outcome,
    [property: Id(3)] DateTimeOffset From,
    [property: Id(4)] DateTimeOffset To,
    [property: Id(5)] int Arrived,
    [property: Id(6)] int Expected);
