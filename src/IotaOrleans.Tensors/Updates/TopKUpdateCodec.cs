using System.Buffers.Binary;

namespace IotaOrleans.Tensors;

/// <summary>
/// The largest values of each chunk, with two bits each (Sarfi et al., 2025, "SparseLoCo"). A chunk is its two levels (bf16), the places
/// of what it keeps in rising order (12 bits each), and for each of them its sign and its level (2 bits): 116 bytes for 4,096 values.
/// </summary>
internal sealed class TopKUpdateCodec : UpdateCodec
{
    /// <summary>Values of a chunk: a place in it has twelve bits.</summary>
    public const int ChunkLength = 1 << PlaceBits;

    /// <summary>Values per value that is kept; a short last chunk keeps its share.</summary>
    public const int ValuesPerKept = 64;

    private const int PlaceBits = 12;
    private const int LevelBytes = 2 * sizeof(ushort);
    private const ushort LevelBound = 0x7F00;
    private const int NegativeBit = 1;
    private const int HighBit = 2;

    private TopKUpdateCodec()
    {
    }

    public static TopKUpdateCodec Instance { get; } = new();

    public override UpdateFormat Format => UpdateFormat.TopK;

    public override int Granularity => ChunkLength;

    public override long ByteCount(long count)
    {
        var (chunks, rest) = Math.DivRem(count, ChunkLength);
        return (chunks * ChunkByteCount(ChunkLength)) + (rest == 0 ? 0 : ChunkByteCount((int)rest));
    }

    private protected override void EncodeValues(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        while (!values.IsEmpty)
        {
            var length = Math.Min(ChunkLength, values.Length);
            EncodeChunk(values[..length], bytes[..ChunkByteCount(length)]);
            values = values[length..];
            bytes = bytes[ChunkByteCount(length)..];
        }
    }

    private protected override void DecodeValues(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        values.Clear();
        while (!values.IsEmpty)
        {
            var length = Math.Min(ChunkLength, values.Length);
            DecodeChunk(bytes[..ChunkByteCount(length)], values[..length]);
            values = values[length..];
            bytes = bytes[ChunkByteCount(length)..];
        }
    }

    private static int Kept(int length) => (length + ValuesPerKept - 1) / ValuesPerKept;

    private static int PlacesByteCount(int kept) => ((kept * PlaceBits) + 7) / 8;

    private static int ChunkByteCount(int length) => LevelBytes + PlacesByteCount(Kept(length)) + ((Kept(length) + 3) / 4);

    private static void EncodeChunk(ReadOnlySpan<float> chunk, Span<byte> bytes)
    {
        var kept = Kept(chunk.Length);
        Span<int> places = stackalloc int[kept];
        Span<float> magnitudes = stackalloc float[kept];
        LargestValues.Find(chunk, places, magnitudes);
        var (low, high) = TwoLevels.Fit(magnitudes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, Upper(low));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[sizeof(ushort)..], Upper(high));

        bytes[LevelBytes..].Clear();
        var packedPlaces = bytes.Slice(LevelBytes, PlacesByteCount(kept));
        var codes = bytes[(LevelBytes + PlacesByteCount(kept))..];
        var middle = (low / 2) + (high / 2);
        for (var i = 0; i < kept; i++)
        {
            var value = chunk[places[i]];
            var code = (float.IsNegative(value) ? NegativeBit : 0) | (MathF.Abs(value) > middle ? HighBit : 0);
            codes[i / 4] |= (byte)(code << (i % 4 * 2));
            PackPlace(packedPlaces, i, places[i]);
        }
    }

    private void DecodeChunk(ReadOnlySpan<byte> bytes, Span<float> chunk)
    {
        var kept = Kept(chunk.Length);
        var (low, high) = (BinaryPrimitives.ReadUInt16LittleEndian(bytes), BinaryPrimitives.ReadUInt16LittleEndian(bytes[sizeof(ushort)..]));
        if (low > high)
        {
            throw Malformed("the levels of a chunk are in the wrong order");
        }

        if (high >= LevelBound)
        {
            throw Malformed("a level of a chunk is negative or not below 2¹²⁷");
        }

        var places = bytes.Slice(LevelBytes, PlacesByteCount(kept));
        var codes = bytes[(LevelBytes + PlacesByteCount(kept))..];
        if ((kept % 2 != 0 && places[^1] >> 4 != 0) || (kept % 4 != 0 && codes[^1] >> (kept % 4 * 2) != 0))
        {
            throw Malformed("the bits after a chunk's last value are not zero");
        }

        var before = -1;
        for (var i = 0; i < kept; i++)
        {
            var place = UnpackPlace(places, i);
            if (place <= before || place >= chunk.Length)
            {
                throw Malformed($"place {place} follows {before} in a chunk of {chunk.Length} values");
            }

            var code = codes[i / 4] >> (i % 4 * 2);
            var level = Level((code & HighBit) == 0 ? low : high);
            chunk[place] = (code & NegativeBit) == 0 ? level : -level;
            before = place;
        }
    }

    /// <summary>Two places share three bytes.</summary>
    private static void PackPlace(Span<byte> packed, int index, int place)
    {
        var at = index * PlaceBits / 8;
        if (index % 2 == 0)
        {
            packed[at] = (byte)place;
            packed[at + 1] = (byte)(place >> 8);
        }
        else
        {
            packed[at] |= (byte)(place << 4);
            packed[at + 1] = (byte)(place >> 4);
        }
    }

    private static int UnpackPlace(ReadOnlySpan<byte> packed, int index)
    {
        var at = index * PlaceBits / 8;
        return index % 2 == 0 ? packed[at] | ((packed[at + 1] & 0xF) << 8) : (packed[at] >> 4) | (packed[at + 1] << 4);
    }

    /// <summary>The bits of a bf16; a level is one already.</summary>
    private static ushort Upper(float level) => (ushort)(BitConverter.SingleToUInt32Bits(level) >> 16);

    private static float Level(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
