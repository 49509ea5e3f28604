namespace IotaOrleans.Protocol.Assignment;

/// <summary>A proposal to move a miner to the slowest stage.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="From">The stage it holds.</param>
/// <param name="To">The stage it should hold.</param>
/// <param name="Before">Predicted throughput of the run now, micro-batches per second.</param>
/// <param name="After">Predicted throughput after the move, micro-batches per second.</param>
public sealed record StageMove(string Miner, int From, int To, double Before, double After);
