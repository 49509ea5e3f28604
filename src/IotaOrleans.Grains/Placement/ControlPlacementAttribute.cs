using Orleans.Placement;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Placement;

/// <summary>Places a grain on a silo with the role <see cref="SiloRoles.Control"/>: never on a miner's.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ControlPlacementAttribute() : PlacementAttribute(ControlPlacement.Instance);

/// <summary>See <see cref="ControlPlacementAttribute"/>.</summary>
[GenerateSerializer, Immutable, SuppressReferenceTracking]
internal sealed class ControlPlacement : PlacementStrategy
{
    public static ControlPlacement Instance { get; } = new();
}

/// <summary>Places a shard on the silo that hosts its miner.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class MinerPlacementAttribute() : PlacementAttribute(MinerPlacement.Instance);

/// <summary>See <see cref="MinerPlacementAttribute"/>.</summary>
[GenerateSerializer, Immutable, SuppressReferenceTracking]
internal sealed class MinerPlacement : PlacementStrategy
{
    public static MinerPlacement Instance { get; } = new();
}
