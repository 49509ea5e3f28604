using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Tensors;

/// <summary>
/// The bytes on a frame connection, little-endian. The sender begins with a hello: mark, version, secret. A message is a prefix (mark,
/// payload length, number, length of the receiver's key, length of the header), the receiver's key, the header
/// (<see cref="FrameHeaderFormat"/>), the payload, and a checksum of all that, which stands last so that it can be computed while the
/// payload is under way. The checksum is the XxHash3 of each piece with the one of the piece before as its seed: first all that stands
/// before the payload, then the payload in chunks of <see cref="ChunkByteCount"/>; hashing whole chunks is faster than adding to one hash. The receiver answers the hello and every message, in order: number, credit, kind, fault, text.
/// </summary>
internal static class FrameMessageFormat
{
    public const int SecretByteCount = 32;
    public const int HelloByteCount = 8 + SecretByteCount;
    public const int PrefixByteCount = 4 + 4 + 8 + 4 + 4;
    public const int MaximumHeadByteCount = PrefixByteCount + MaximumReceiverByteCount + FrameHeaderFormat.MaximumByteCount;
    public const int ChecksumByteCount = 8;

    /// <summary>
    /// How much is hashed, and handed to the kernel or taken from it, at a time. Smaller chunks stay nearer in the cache, but each costs a
    /// change of threads on a busy machine, which is dearer.
    /// </summary>
    public const int ChunkByteCount = 2 << 20;

    public const int ReplyByteCount = 8 + 4 + 1 + 1 + 2;
    public const int MaximumReplyTextByteCount = 512;

    private const int MaximumReceiverByteCount = 1024;
    private const uint HelloMark = 0x48544F49; // "IOTH"
    private const uint MessageMark = 0x4D544F49; // "IOTM"
    private const uint Version = 1;

    public static void WriteHello(Span<byte> bytes, string secret)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, HelloMark);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], Version);
        Convert.FromHexString(secret, bytes[8..HelloByteCount], out _, out _);
    }

    public static bool IsHello(ReadOnlySpan<byte> bytes, string secret)
    {
        Span<byte> expected = stackalloc byte[HelloByteCount];
        WriteHello(expected, secret);
        return CryptographicOperations.FixedTimeEquals(bytes[..HelloByteCount], expected);
    }

    /// <summary>The checksum of a message up to and with a further piece.</summary>
    public static ulong Checksum(ulong before, ReadOnlySpan<byte> piece) => XxHash3.HashToUInt64(piece, unchecked((long)before));

    /// <summary>Writes everything that stands before the payload.</summary>
    /// <exception cref="FrameFormatException">A name in key or header is too long.</exception>
    public static void WriteHead(ArrayBufferWriter<byte> writer, ulong number, ShardKey receiver, FrameHeader header, int payloadByteCount)
    {
        var key = receiver.ToString();
        var keyByteCount = Encoding.UTF8.GetByteCount(key);
        if (keyByteCount > MaximumReceiverByteCount)
        {
            throw new FrameFormatException(FrameFault.BadHeader, $"the shard's key '{key[..32]}…' is longer than {MaximumReceiverByteCount} bytes");
        }

        var prefix = writer.GetSpan(PrefixByteCount + keyByteCount);
        Encoding.UTF8.GetBytes(key, prefix[PrefixByteCount..]);
        writer.Advance(PrefixByteCount + keyByteCount);
        FrameHeaderFormat.Write(writer, header, payloadByteCount, checksum: 0);

        var bytes = MemoryMarshal.AsMemory(writer.WrittenMemory).Span;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, MessageMark);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], payloadByteCount);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], number);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], keyByteCount);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[20..], bytes.Length - PrefixByteCount - keyByteCount);
    }

    /// <summary>Reads a prefix. When it cannot be read, nobody knows where the next message begins.</summary>
    /// <exception cref="FrameFormatException">It is not a prefix.</exception>
    public static FramePrefix ReadPrefix(ReadOnlySpan<byte> bytes)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != MessageMark)
        {
            throw new FrameFormatException(FrameFault.UnknownFormat, "not the beginning of a message");
        }

        var prefix = new FramePrefix(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
        if (prefix.ReceiverByteCount is < 0 or > MaximumReceiverByteCount || prefix.HeaderByteCount is < 0 or > FrameHeaderFormat.MaximumByteCount || prefix.PayloadByteCount < 0)
        {
            throw new FrameFormatException(FrameFault.BadHeader, $"a key of {prefix.ReceiverByteCount:N0}, a header of {prefix.HeaderByteCount:N0} and a payload of {prefix.PayloadByteCount:N0} bytes");
        }

        return prefix;
    }

    /// <summary>Reads receiver and header of a message.</summary>
    /// <exception cref="FrameFormatException">They are damaged, hostile or contradict the prefix, or the payload is over the limit.</exception>
    public static (ShardKey Receiver, FrameHeader Header) ReadHead(ReadOnlySpan<byte> bytes, FramePrefix prefix, int maximumPayloadByteCount)
    {
        var (header, payloadByteCount, _, read) = FrameHeaderFormat.Read(bytes[prefix.ReceiverByteCount..], maximumPayloadByteCount);
        if (read != prefix.HeaderByteCount || payloadByteCount != prefix.PayloadByteCount)
        {
            throw new FrameFormatException(FrameFault.BadHeader, "the lengths in the frame's header contradict each other");
        }

        try
        {
            return (ShardKey.Parse(Encoding.UTF8.GetString(bytes[..prefix.ReceiverByteCount])), header);
        }
        catch (FormatException failure)
        {
            throw new FrameFormatException(FrameFault.BadHeader, failure.Message);
        }
    }

    /// <summary>Writes a reply.</summary>
    /// <returns>Its length.</returns>
    public static int WriteReply(Span<byte> bytes, ulong number, FrameReply reply)
    {
        Encoding.UTF8.GetEncoder().Convert(reply.Message, bytes.Slice(ReplyByteCount, MaximumReplyTextByteCount), flush: true, out _, out var textByteCount, out _);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], reply.Credit);
        bytes[12] = (byte)reply.Kind;
        bytes[13] = (byte)reply.Fault;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[14..], (ushort)textByteCount);
        return ReplyByteCount + textByteCount;
    }

    /// <summary>Reads the fixed part of a reply; its text follows.</summary>
    public static (ulong Number, FrameReply Reply, int TextByteCount) ReadReply(ReadOnlySpan<byte> bytes) => (
        BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        new FrameReply((FrameReplyKind)bytes[12], BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]), (FrameFault)bytes[13]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[14..]));
}

/// <summary>The lengths with which a message begins.</summary>
/// <param name="Number">Counts the messages of a connection.</param>
/// <param name="ReceiverByteCount">Length of the receiver's key.</param>
/// <param name="HeaderByteCount">Length of the frame's header.</param>
/// <param name="PayloadByteCount">Length of the payload.</param>
internal readonly record struct FramePrefix(ulong Number, int ReceiverByteCount, int HeaderByteCount, int PayloadByteCount);
