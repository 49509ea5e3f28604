namespace IotaOrleans;

/// <summary>
/// One miner's copy of one stage, keyed by <see cref="ShardKey"/> and placed on that miner's silo.
/// Orders come from the run grain; micro-batches come from neighbouring shards and do not pass through here.
/// </summary>
[Alias("IotaOrleans.IShardGrain")]
public interface IShardGrain : IGrainWithStringKey
{
    /// <summary>Loads the stage's weights and makes the shard ready for orders.</summary>
    /// <exception cref="IotaException">The checkpoint or the data cannot be read.</exception>
    [Alias("Prepare")]
    Task PrepareAsync(ShardAssignment assignment);

    /// <summary>Adds orders to the shard's plan and returns at once; each finished order is reported to the run grain.</summary>
    [Alias("Enqueue")]
    Task EnqueueAsync(Guid session, WorkOrder[] orders);

    /// <summary>Reads part of the snapshot that a <see cref="WorkKind.Snapshot"/> order took.</summary>
    /// <param name="step">The snapshot's step.</param>
    /// <param name="section">Which of the shard's vectors.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="count">Most bytes to return; at most 4 MiB.</param>
    [Alias("ReadSnapshot")]
    Task<ReadOnlyMemory<byte>> ReadSnapshotAsync(long step, ShardSection section, long offset, int count);

    /// <summary>Frees the snapshot of a step.</summary>
    [Alias("ReleaseSnapshot")]
    Task ReleaseSnapshotAsync(long step);

    /// <summary>Stops work, frees the stage's memory and deactivates the grain.</summary>
    [Alias("Release")]
    Task ReleaseAsync(Guid session);
}

/// <summary>The vectors that make up a shard's state, each one fp32 value per parameter.</summary>
public enum ShardSection
{
    /// <summary>The weights.</summary>
    Weights,

    /// <summary>The optimizer's running mean of the gradient.</summary>
    FirstMoment,

    /// <summary>The optimizer's running mean of the squared gradient.</summary>
    SecondMoment,

    /// <summary>The running sum of the stage's merged pseudo-gradients, in elastic mode.</summary>
    Velocity,
}
