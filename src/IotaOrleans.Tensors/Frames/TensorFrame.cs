using System.IO.Hashing;

namespace IotaOrleans.Tensors;

/// <summary>
/// A tensor under way: header and pooled payload. A frame has one owner at a time; whoever passes it on to a transport or an inbox
/// gives it away, whoever consumes it disposes it.
/// </summary>
public sealed class TensorFrame : IDisposable
{
    private readonly FrameLease _lease;

    /// <summary>Creates a frame that owns its payload.</summary>
    /// <exception cref="FrameFormatException">Shape and element type do not give the payload's size.</exception>
    public TensorFrame(FrameHeader header, FrameLease payload)
    {
        if (header.PayloadByteCount() != payload.Memory.Length)
        {
            throw new FrameFormatException(FrameFault.BadShape, $"a {header.ElementType} tensor [{string.Join(", ", header.Shape)}] has no {payload.Memory.Length:N0} bytes");
        }

        Header = header;
        _lease = payload;
    }

    /// <summary>What the frame is.</summary>
    public FrameHeader Header { get; }

    /// <summary>The tensor's bytes, row by row, little-endian.</summary>
    public Memory<byte> Payload => _lease.Memory;

    /// <summary>Whether the frame is the copy that a grain call made of its argument: nobody owns it once it is on the wire.</summary>
    internal bool IsCallCopy { get; init; }

    /// <summary>Rents the payload that a header asks for.</summary>
    /// <exception cref="FrameFormatException">The shape is impossible or larger than the pool's limit.</exception>
    public static TensorFrame Rent(FramePool pool, FrameHeader header) => Rent(pool, header, isCallCopy: false);

    /// <inheritdoc cref="Rent(FramePool, FrameHeader)"/>
    internal static TensorFrame Rent(FramePool pool, FrameHeader header, bool isCallCopy)
    {
        var byteCount = header.PayloadByteCount();
        if (byteCount < 0)
        {
            throw new FrameFormatException(FrameFault.BadShape, $"no tensor has the shape [{string.Join(", ", header.Shape)}] and element type {(byte)header.ElementType}");
        }

        if (byteCount > pool.MaximumByteCount)
        {
            throw new FrameFormatException(FrameFault.TooLarge, $"a frame of {byteCount:N0} bytes is over the limit of {pool.MaximumByteCount:N0}");
        }

        return new TensorFrame(header, pool.Rent((int)byteCount)) { IsCallCopy = isCallCopy };
    }

    /// <summary>Checksum of the payload (XxHash3, 64 bits).</summary>
    public ulong ComputeChecksum() => XxHash3.HashToUInt64(Payload.Span);

    /// <inheritdoc />
    public void Dispose() => _lease.Dispose();
}
