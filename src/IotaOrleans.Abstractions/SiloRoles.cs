namespace IotaOrleans;

/// <summary>Silo metadata by which placement finds the right silo. A load and isolation measure, not a security boundary.</summary>
public static class SiloRoles
{
    /// <summary>Metadata key of a silo's roles, separated by commas.</summary>
    public const string RolesKey = "iota.roles";

    /// <summary>Metadata key of the miners that a silo hosts, separated by commas.</summary>
    public const string MinersKey = "iota.miners";

    /// <summary>The role of silos that host runs, stages, miners' records, rewards and views.</summary>
    public const string Control = "control";

    /// <summary>The role of silos that host shards.</summary>
    public const string Miner = "miner";
}
