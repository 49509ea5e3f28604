namespace IotaOrleans;

/// <summary>What a miner's pay for an epoch is computed from.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Stage">The stage it held.</param>
/// <param name="BackwardPasses">Counted backward passes of the epoch.</param>
/// <param name="Tokens">Tokens in them.</param>
/// <param name="EarlierPasses">Backward passes of the epochs before it that still count.</param>
/// <param name="Penalty">Why it is paid nothing, or null.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RewardClaim")]
public sealed record RewardClaim(
    [property: Id(0)] string Miner,
    [property: Id(1)] int Stage,
    [property: Id(2)] long BackwardPasses,
    [property: Id(3)] long Tokens,
    [property: Id(4)] long EarlierPasses = 0,
    [property: Id(5)] string? Penalty = null);
