using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace IotaOrleans.Tensors;

/// <summary>
/// The header's bytes: mark, version, kind, element type, rank, session, sequence, micro-batch, source stage, payload length, checksum,
/// dimensions, run, pathway; little-endian, strings as UTF-8 with a one-byte length.
/// </summary>
public static class FrameHeaderFormat
{
    /// <summary>Largest header in bytes.</summary>
    public const int MaximumByteCount = 80 + (FrameHeader.MaximumRank * 4) + ((FrameHeader.MaximumPathway + 2) * 256);

    private const uint Mark = 0x41544F49; // "IOTA"
    private const byte Version = 1;
    private const int FixedByteCount = 4 + 1 + 1 + 1 + 1 + 16 + 8 + 4 + 8 + 4 + 4 + 4 + 8 + 2;

    /// <summary>Writes a header.</summary>
    /// <exception cref="FrameFormatException">A name is longer than 255 bytes, or there are too many of them.</exception>
    public static void Write(IBufferWriter<byte> writer, FrameHeader header, int payloadByteCount, ulong checksum)
    {
        if (header.Shape.Length > FrameHeader.MaximumRank || header.Pathway.Length > FrameHeader.MaximumPathway)
        {
            throw new FrameFormatException(FrameFault.BadHeader, $"a frame has at most {FrameHeader.MaximumRank} dimensions and {FrameHeader.MaximumPathway} miners in its pathway");
        }

        var span = writer.GetSpan(FixedByteCount + (header.Shape.Length * 4));
        BinaryPrimitives.WriteUInt32LittleEndian(span, Mark);
        span[4] = Version;
        span[5] = (byte)header.Kind;
        span[6] = (byte)header.ElementType;
        span[7] = (byte)header.Shape.Length;
        header.Session.TryWriteBytes(span[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(span[24..], header.Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(span[32..], header.MicroBatch.Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(span[36..], header.MicroBatch.Step);
        BinaryPrimitives.WriteInt32LittleEndian(span[44..], header.MicroBatch.Index);
        BinaryPrimitives.WriteInt32LittleEndian(span[48..], header.SourceStage);
        BinaryPrimitives.WriteInt32LittleEndian(span[52..], payloadByteCount);
        BinaryPrimitives.WriteUInt64LittleEndian(span[56..], checksum);
        BinaryPrimitives.WriteUInt16LittleEndian(span[64..], (ushort)header.Pathway.Length);
        for (var i = 0; i < header.Shape.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(span[(FixedByteCount + (i * 4))..], header.Shape[i]);
        }

        writer.Advance(FixedByteCount + (header.Shape.Length * 4));
        WriteName(writer, header.MicroBatch.Run);
        foreach (var miner in header.Pathway)
        {
            WriteName(writer, miner);
        }
    }

    /// <summary>Reads a header; nothing has been rented for the payload yet.</summary>
    /// <param name="bytes">The header's bytes, or more.</param>
    /// <param name="maximumPayloadByteCount">Largest payload to accept.</param>
    /// <exception cref="FrameFormatException">The header is damaged, hostile or of another version.</exception>
    public static (FrameHeader Header, int PayloadByteCount, ulong Checksum, int ByteCount) Read(ReadOnlySpan<byte> bytes, int maximumPayloadByteCount)
    {
        Require(bytes.Length >= FixedByteCount, FrameFault.Truncated, "the frame ends within its header");
        Require(BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Mark && bytes[4] == Version, FrameFault.UnknownFormat, "not a tensor frame of this version");
        Require(Enum.IsDefined((FrameKind)bytes[5]), FrameFault.BadHeader, $"unknown kind of frame {bytes[5]}");
        var elementType = (TensorElementType)bytes[6];
        Require(elementType.ByteCount() > 0, FrameFault.BadHeader, $"unknown element type {bytes[6]}");
        int rank = bytes[7], pathwayLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[64..]);
        Require(rank <= FrameHeader.MaximumRank, FrameFault.BadHeader, $"{rank} dimensions, at most {FrameHeader.MaximumRank} are allowed");
        Require(pathwayLength <= FrameHeader.MaximumPathway, FrameFault.BadHeader, $"a pathway of {pathwayLength} miners, at most {FrameHeader.MaximumPathway} are allowed");
        Require(bytes.Length >= FixedByteCount + (rank * 4), FrameFault.Truncated, "the frame ends within its header");

        var payloadByteCount = BinaryPrimitives.ReadInt32LittleEndian(bytes[52..]);
        Require(payloadByteCount >= 0, FrameFault.BadHeader, "a negative payload length");
        Require(payloadByteCount <= maximumPayloadByteCount, FrameFault.TooLarge, $"a frame of {payloadByteCount:N0} bytes is over the limit of {maximumPayloadByteCount:N0}");

        var shape = ImmutableArray.CreateBuilder<int>(rank);
        for (var i = 0; i < rank; i++)
        {
            shape.Add(BinaryPrimitives.ReadInt32LittleEndian(bytes[(FixedByteCount + (i * 4))..]));
        }

        var position = FixedByteCount + (rank * 4);
        var run = ReadName(bytes, ref position);
        var pathway = ImmutableArray.CreateBuilder<string>(pathwayLength);
        for (var i = 0; i < pathwayLength; i++)
        {
            pathway.Add(ReadName(bytes, ref position));
        }

        var header = new FrameHeader
        {
            Kind = (FrameKind)bytes[5],
            ElementType = elementType,
            Session = new Guid(bytes.Slice(8, 16)),
            Sequence = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
            MicroBatch = new MicroBatchId(
                run,
                BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
                BinaryPrimitives.ReadInt64LittleEndian(bytes[36..]),
                BinaryPrimitives.ReadInt32LittleEndian(bytes[44..])),
            SourceStage = BinaryPrimitives.ReadInt32LittleEndian(bytes[48..]),
            Shape = shape.MoveToImmutable(),
            Pathway = pathway.MoveToImmutable(),
        };
        Require(header.PayloadByteCount() == payloadByteCount, FrameFault.BadShape, $"a {elementType} tensor [{string.Join(", ", header.Shape)}] has no {payloadByteCount:N0} bytes");
        return (header, payloadByteCount, BinaryPrimitives.ReadUInt64LittleEndian(bytes[56..]), position);
    }

    private static void WriteName(IBufferWriter<byte> writer, string name)
    {
        var count = Encoding.UTF8.GetByteCount(name);
        if (count > byte.MaxValue)
        {
            throw new FrameFormatException(FrameFault.BadHeader, $"the name '{name[..32]}…' is longer than 255 bytes");
        }

        var span = writer.GetSpan(count + 1);
        span[0] = (byte)count;
        Encoding.UTF8.GetBytes(name, span[1..]);
        writer.Advance(count + 1);
    }

    private static string ReadName(ReadOnlySpan<byte> bytes, ref int position)
    {
        Require(position < bytes.Length && position + 1 + bytes[position] <= bytes.Length, FrameFault.Truncated, "the frame ends within a name");
        var name = Encoding.UTF8.GetString(bytes.Slice(position + 1, bytes[position]));
        position += 1 + bytes[position];
        return name;
    }

    private static void Require(bool condition, FrameFault fault, string message)
    {
        if (!condition)
        {
            throw new FrameFormatException(fault, message);
        }
    }
}
