using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Shards;

/// <summary>What a shard waits for: at most one frame of each key ever counts, so a repeated one is harmless.</summary>
/// <param name="Kind">What the frame carries.</param>
/// <param name="Sequence">The work order.</param>
/// <param name="Index">The micro-batch, or the source stage for what stages exchange once per step.</param>
internal readonly record struct FrameKey(FrameKind Kind, long Sequence, int Index)
{
    public static FrameKey Of(FrameHeader header) => new(
        header.Kind,
        header.Sequence,
        header.Kind is FrameKind.GradientNorm or FrameKind.TiedGradient ? header.SourceStage : header.MicroBatch.Index);
}
