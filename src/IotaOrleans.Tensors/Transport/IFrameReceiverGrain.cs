using Orleans.Concurrency;

namespace IotaOrleans.Tensors;

/// <summary>The data side of a shard, keyed by <see cref="ShardKey"/>: accepts a frame, acknowledges, and works later.</summary>
[Alias("IotaOrleans.IFrameReceiverGrain")]
public interface IFrameReceiverGrain : IGrainWithStringKey
{
    /// <summary>Puts a frame into the shard's inbox.</summary>
    /// <returns>How many more frames the shard can take: the sender's credit.</returns>
    /// <exception cref="FrameFormatException">The frame is damaged.</exception>
    [Alias("Accept")]
    [AlwaysInterleave]
    Task<int> AcceptAsync(TensorFrame frame);

    /// <summary>Where the shard's silo listens for frames, or null when it takes them by <see cref="AcceptAsync"/> only.</summary>
    [Alias("FindListener")]
    [AlwaysInterleave]
    Task<FrameEndpoint?> FindListenerAsync();
}
