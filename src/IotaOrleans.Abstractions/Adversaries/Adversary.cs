namespace IotaOrleans;

/// <summary>A miner that cheats on purpose.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Kind">How.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.Adversary")]
public sealed record Adversary([property: Id(0)] string Miner, [property: Id(1)] AdversaryKind Kind);
