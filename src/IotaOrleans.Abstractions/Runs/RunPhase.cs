namespace IotaOrleans;

/// <summary>What a run is doing.</summary>
public enum RunPhase
{
    /// <summary>Known, not started.</summary>
    Created,

    /// <summary>Shards are loading their weights.</summary>
    Preparing,

    /// <summary>Steps are running.</summary>
    Training,

    /// <summary>No new steps are planned; the last ones are finishing.</summary>
    Stopping,

    /// <summary>Stopped before its last step; it can be resumed.</summary>
    Interrupted,

    /// <summary>All steps are done.</summary>
    Finished,

    /// <summary>Something failed; the reason stands beside it. It can be resumed from its last checkpoint.</summary>
    Failed,
}
