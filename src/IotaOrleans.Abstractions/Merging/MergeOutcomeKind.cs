namespace IotaOrleans;

/// <summary>How a merge ended.</summary>
public enum MergeOutcomeKind
{
    /// <summary>All cells are new.</summary>
    Merged,

    /// <summary>Some cells keep the last agreed version.</summary>
    MergedWithGaps,

    /// <summary>Everybody returns to the last agreed version.</summary>
    Failed,
}
