namespace IotaOrleans;

/// <summary>The rules by which an epoch's emission is divided.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RewardPolicy")]
public sealed record RewardPolicy
{
    /// <summary>The whole, in parts per million.</summary>
    public const int Whole = 1_000_000;

    /// <summary>Reward units of an epoch.</summary>
    [Id(0)]
    public required long Emission { get; init; }

    /// <summary>Part of the emission that nobody gets, in parts per million. Default: none.</summary>
    [Id(1)]
    public int Burn { get; init; }

    /// <summary>Most of the emission that one miner gets, in parts per million; what is above is burned. Default: all of it.</summary>
    [Id(2)]
    public int LargestShare { get; init; } = Whole;

    /// <summary>Epochs whose work counts, this one included (the decay γ: an epoch counts in full, and then not at all). Default: one.</summary>
    [Id(3)]
    public int Window { get; init; } = 1;
}
