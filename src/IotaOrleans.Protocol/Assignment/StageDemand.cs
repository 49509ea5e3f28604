namespace IotaOrleans.Protocol.Assignment;

/// <summary>What a stage asks of those who hold it.</summary>
/// <param name="Seconds">Seconds per micro-batch, forward and backward, on a miner of speed one; above zero.</param>
/// <param name="MemoryBytes">Memory that a replica needs.</param>
public sealed record StageDemand(double Seconds, long MemoryBytes);
