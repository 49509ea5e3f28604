using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Assignment;

/// <summary>Who holds which stage.</summary>
/// <param name="Placements">The placed miners, by name.</param>
/// <param name="MicroBatchesPerSecond">Predicted throughput of the run; zero while a stage has no miner.</param>
/// <param name="Uncovered">Stages that no miner could be found for.</param>
/// <param name="Unplaced">Miners with too little memory for any stage.</param>
public sealed record StageAssignment(
    ImmutableArray<MinerPlacement> Placements, double MicroBatchesPerSecond, ImmutableArray<int> Uncovered, ImmutableArray<string> Unplaced);
