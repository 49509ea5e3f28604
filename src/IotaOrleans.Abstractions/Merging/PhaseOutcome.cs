namespace IotaOrleans;

/// <summary>How a phase of a stage ended.</summary>
public enum PhaseOutcome
{
    /// <summary>All who were waited for arrived.</summary>
    AllArrived,

    /// <summary>The deadline came and enough had arrived.</summary>
    QuorumAtDeadline,

    /// <summary>The deadline came, or nobody could arrive any more, and too few had: training goes on longer, an upload is abandoned.</summary>
    TooFew,

    /// <summary>The last living miner was lost.</summary>
    AllLost,

    /// <summary>The merge ended and all cells are new.</summary>
    Merged,

    /// <summary>The merge ended and some cells keep the last agreed version.</summary>
    MergedWithGaps,

    /// <summary>The merge failed: everybody returned to the last version.</summary>
    MergeFailed,

    /// <summary>The merge did not end in its time, nor after it was told to close: everybody returned to the last version.</summary>
    MergeTimedOut,
}
