namespace IotaOrleans;

/// <summary>Why a miner is paid nothing for some epochs.</summary>
/// <param name="Run">The run.</param>
/// <param name="Miner">The miner.</param>
/// <param name="First">The first epoch for which it is paid nothing; the first one that is not settled, if that is a later one.</param>
/// <param name="Until">The epoch from which on it is paid again.</param>
/// <param name="Reason">What was found, in one sentence.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.Penalty")]
public sealed record Penalty(
    [property: Id(0)] string Run,
    [property: Id(1)] string Miner,
    [property: Id(2)] int First,
    [property: Id(3)] int Until,
    [property: Id(4)] string Reason);
