namespace IotaOrleans;

/// <summary>A miner's report of the stage that it assembled after a merge.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Hash">Hash of the whole flat vector's bits.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageHash")]
public sealed record StageHash([property: Id(0)] string Miner, [property: Id(1)] UInt128 Hash);
