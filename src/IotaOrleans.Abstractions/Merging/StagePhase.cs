namespace IotaOrleans;

/// <summary>What a stage is doing in a round.</summary>
public enum StagePhase
{
    /// <summary>Its miners work through micro-batches and step on their own.</summary>
    Training,

    /// <summary>Those who did enough send their updates.</summary>
    Uploading,

    /// <summary>The updates are reduced, compared and put together.</summary>
    Merging,
}
