namespace IotaOrleans;

/// <summary>What follows from the hashes of the assembled stages.</summary>
public enum StageVerdictKind
{
    /// <summary>A majority may still come about.</summary>
    Waiting,

    /// <summary>All who count have the same stage: it is the canonical version.</summary>
    Committed,

    /// <summary>A majority agrees; the others are to download again, or are still waited for.</summary>
    Repairing,

    /// <summary>No majority agrees: everybody returns to the last version.</summary>
    Failed,
}
