using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Replay;

/// <summary>What the control side of a run remembers, in the parts that its grains and its ledger store.</summary>
public sealed record ControlState
{
    /// <summary>What the run is doing.</summary>
    public RunPhase Phase { get; init; }

    /// <summary>Where it would go on from.</summary>
    public RunPoint Point { get; init; } = new();

    /// <summary>Why it failed, or null.</summary>
    public string? Failure { get; init; }

    /// <summary>The stages, in order.</summary>
    public ImmutableArray<StageState> Stages { get; init; } = [];

    /// <summary>The settled epochs, in order.</summary>
    public ImmutableArray<EpochSettlement> Epochs { get; init; } = [];
}
