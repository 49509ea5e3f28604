namespace IotaOrleans;

/// <summary>How a stage's replicas are merged.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeSettings")]
public sealed record MergeSettings
{
    /// <summary>Miners that reduce each cell. Two by default; with fewer miners all of them do.</summary>
    [Id(0)]
    public int Owners { get; init; } = 2;

    /// <summary>How contributions are combined.</summary>
    [Id(1)]
    public MergeRule Rule { get; init; } = MergeRule.WeightedMean;

    /// <summary>For <see cref="MergeRule.NormClip"/>: largest norm of an update, in medians of all norms.</summary>
    [Id(2)]
    public double ClipFactor { get; init; } = 3;

    /// <summary>For <see cref="MergeRule.TrimmedMean"/>: how many values are dropped at each end; fewer when that would leave none.</summary>
    [Id(3)]
    public int Trim { get; init; } = 1;

    /// <summary>
    /// Copies by which one version of a cell must lead over every other to be believed while there is somebody left to ask. With two, as
    /// by default, an owner and an arbiter who collude cannot outvote an honest owner; with one the first arbiter decides.
    /// </summary>
    [Id(4)]
    public int RequiredLead { get; init; } = 2;

    /// <summary>Share of the cells, chosen by the secret, whose arbiter is asked although the owners agree, from 0 to 1.</summary>
    [Id(5)]
    public double AlwaysAskShare { get; init; } = 0.05;

    /// <summary>Largest share of the values that may keep the last agreed version, from 0 to 1; a merge with more of them fails.</summary>
    [Id(6)]
    public double MaximumGapShare { get; init; } = 0.5;
}
