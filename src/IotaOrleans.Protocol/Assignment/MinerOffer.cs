namespace IotaOrleans.Protocol.Assignment;

/// <summary>What a miner offers.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Speed">Its measured speed, relative to a miner of speed one; above zero.</param>
/// <param name="MemoryBytes">Its memory.</param>
public sealed record MinerOffer(string Miner, double Speed, long MemoryBytes);
