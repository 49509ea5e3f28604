using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Shards;

/// <summary>The working half of a shard. It lives on a compute lane; the grain and the transport call it from other threads.</summary>
internal interface IShardWorker : IFrameInbox, IDisposable
{
    /// <summary>The session that it works for.</summary>
    Guid Session { get; }

    /// <summary>Loads weights and data. Runs on the lane.</summary>
    void Load();

    /// <summary>Adds orders to the plan.</summary>
    void Enqueue(IEnumerable<WorkOrder> orders);

    /// <summary>The copy that a <see cref="WorkKind.Snapshot"/> order took, or null.</summary>
    ShardSnapshot? FindSnapshot(long step);

    /// <summary>Frees a snapshot.</summary>
    void ReleaseSnapshot(long step);
}
