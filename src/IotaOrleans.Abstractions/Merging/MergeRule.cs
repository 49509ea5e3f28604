namespace IotaOrleans;

/// <summary>How the contributions to a cell become one.</summary>
public enum MergeRule
{
    /// <summary>The mean, weighted by verified work.</summary>
    WeightedMean,

    /// <summary>The weighted mean of updates that were scaled down to at most a multiple of the median norm.</summary>
    NormClip,

    /// <summary>For each value the weighted mean of what is left without the largest and the smallest (Yin et al., 2018).</summary>
    TrimmedMean,
}
