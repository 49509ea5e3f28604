using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace IotaOrleans.Tensors;

/// <summary>Where a shard's frames arrive.</summary>
public interface IFrameInbox
{
    /// <summary>Takes a frame, which the inbox owns from here on.</summary>
    /// <returns>How many more frames the shard can take.</returns>
    int Accept(TensorFrame frame);
}

/// <summary>The inboxes of this silo's shards: between two of them a frame passes by reference.</summary>
public sealed class FrameInboxes
{
    private readonly ConcurrentDictionary<ShardKey, IFrameInbox> _inboxes = new();

    /// <summary>Adds a shard's inbox, replacing an older one.</summary>
    public void Register(ShardKey shard, IFrameInbox inbox) => _inboxes[shard] = inbox;

    /// <summary>Removes an inbox, unless a newer one took its place.</summary>
    public void Remove(ShardKey shard, IFrameInbox inbox) => _inboxes.TryRemove(new KeyValuePair<ShardKey, IFrameInbox>(shard, inbox));

    /// <summary>Finds the inbox of a shard of this silo.</summary>
    public bool TryGet(ShardKey shard, [NotNullWhen(true)] out IFrameInbox? inbox) => _inboxes.TryGetValue(shard, out inbox);
}
