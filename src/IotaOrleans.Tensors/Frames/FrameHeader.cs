using System.Collections.Immutable;

namespace IotaOrleans.Tensors;

/// <summary>What a tensor frame is, where it belongs and which way it went.</summary>
public sealed record FrameHeader
{
    /// <summary>Most dimensions of a tensor on the wire.</summary>
    public const int MaximumRank = 8;

    /// <summary>Most miners of a recorded pathway.</summary>
    public const int MaximumPathway = 256;

    /// <summary>What the frame carries.</summary>
    public required FrameKind Kind { get; init; }

    /// <summary>The session of the run; frames of earlier sessions are refused.</summary>
    public required Guid Session { get; init; }

    /// <summary>The work order that the frame belongs to.</summary>
    public required long Sequence { get; init; }

    /// <summary>The unit of work.</summary>
    public required MicroBatchId MicroBatch { get; init; }

    /// <summary>The stage that made the frame.</summary>
    public required int SourceStage { get; init; }

    /// <summary>Element type of the payload.</summary>
    public required TensorElementType ElementType { get; init; }

    /// <summary>Dimensions, outermost first.</summary>
    public required ImmutableArray<int> Shape { get; init; }

    /// <summary>The miners that ran the micro-batch forward so far, one per stage.</summary>
    public ImmutableArray<string> Pathway { get; init; } = [];

    /// <summary>Bytes that shape and element type ask for, or −1 when the shape is not a possible one.</summary>
    public long PayloadByteCount()
    {
        long count = ElementType.ByteCount();
        if (count == 0 || Shape.Length > MaximumRank)
        {
            return -1;
        }

        foreach (var dimension in Shape)
        {
            if (dimension < 0 || (dimension > 0 && count > long.MaxValue / dimension))
            {
                return -1;
            }

            count *= dimension;
        }

        return count;
    }
}
