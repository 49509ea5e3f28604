namespace IotaOrleans.Protocol.Assignment;

/// <summary>A miner holds a stage.</summary>
/// <param name="Offer">The miner.</param>
/// <param name="Stage">The stage, from zero.</param>
public sealed record MinerPlacement(MinerOffer Offer, int Stage);
