namespace IotaOrleans.Protocol.Validation;

/// <summary>How a segment fits to the one that its shard handed in before.</summary>
public enum SegmentFit
{
    /// <summary>It begins where the other ended.</summary>
    Fits,

    /// <summary>It was handed in before: a report that was repeated.</summary>
    Repeated,

    /// <summary>One between them is missing: a report was lost, or somebody had something to hide.</summary>
    Gap,

    /// <summary>It contradicts what was handed in.</summary>
    Wrong,
}
