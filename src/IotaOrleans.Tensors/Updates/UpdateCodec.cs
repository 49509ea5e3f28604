using System.Numerics;
using System.Runtime.InteropServices;

namespace IotaOrleans.Tensors;

/// <summary>
/// Turns flat fp32 vectors of updates into bytes and back, the same bytes on every machine. A range whose first index is a multiple of
/// <see cref="Granularity"/>, and which ends at such a multiple or at the vector's end, is encoded as the whole vector has it: its bytes
/// are those from <c>ByteCount(first)</c> on.
/// </summary>
public abstract class UpdateCodec
{
    /// <summary>Bits of 2¹²⁶: rounded in any format, smaller numbers stay below <see cref="DecodedBound"/>.</summary>
    private const uint EncodedBound = 0x7E80_0000;

    /// <summary>Bits of 2¹²⁷: only finite numbers are smaller.</summary>
    private const uint DecodedBound = 0x7F00_0000;

    private const uint MagnitudeBits = 0x7FFF_FFFF;

    /// <summary>The format.</summary>
    public abstract UpdateFormat Format { get; }

    /// <summary>Values that are encoded together: ranges begin at multiples of it.</summary>
    public abstract int Granularity { get; }

    /// <summary>The codec of a format.</summary>
    public static UpdateCodec For(UpdateFormat format) => format switch
    {
        UpdateFormat.Float32 => RowUpdateCodec.Float32,
        UpdateFormat.BFloat16 => RowUpdateCodec.BFloat16,
        UpdateFormat.Int8 => RowUpdateCodec.Int8,
        UpdateFormat.TopK => TopKUpdateCodec.Instance,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown update format"),
    };

    /// <summary>Exact size of an encoded update.</summary>
    /// <param name="count">Values of the update, or of its beginning.</param>
    public abstract long ByteCount(long count);

    /// <summary>Encodes a vector, or a range of one.</summary>
    /// <param name="values">The values, all of them below 2¹²⁶.</param>
    /// <param name="bytes">Receives <see cref="ByteCount"/> bytes.</param>
    /// <exception cref="UpdateFormatException">The sizes do not agree, or a value is infinite, no number or too large.</exception>
    public void Encode(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        RequireSize(values.Length, bytes.Length);
        RequireEncodable(values);
        EncodeValues(values, bytes);
    }

    /// <summary>Decodes a vector, or a range of one. When it fails, what the destination holds is undefined.</summary>
    /// <param name="bytes">What <see cref="Encode"/> wrote, or what somebody sent who claims that.</param>
    /// <param name="values">Receives the values, all of them finite.</param>
    /// <exception cref="UpdateFormatException">No vector of that size has these bytes.</exception>
    public void Decode(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        RequireSize(values.Length, bytes.Length);
        DecodeValues(bytes, values);
        RequireBounded(values, DecodedBound);
    }

    private protected abstract void EncodeValues(ReadOnlySpan<float> values, Span<byte> bytes);

    private protected abstract void DecodeValues(ReadOnlySpan<byte> bytes, Span<float> values);

    private protected UpdateFormatException Malformed(string what) => new(Format, $"an update in {Format}: {what}");

    private void RequireSize(int values, int bytes)
    {
        if (bytes != ByteCount(values))
        {
            throw Malformed($"{values:N0} values are {ByteCount(values):N0} bytes, not {bytes:N0}");
        }
    }

    /// <summary>Throws when a value is infinite, no number or too large.</summary>
    internal void RequireEncodable(ReadOnlySpan<float> values) => RequireBounded(values, EncodedBound);

    private void RequireBounded(ReadOnlySpan<float> values, uint bound)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var place = 0;
        var (magnitude, limit) = (new Vector<uint>(MagnitudeBits), new Vector<uint>(bound));
        while (place <= bits.Length - Vector<uint>.Count && Vector.LessThanAll(new Vector<uint>(bits[place..]) & magnitude, limit))
        {
            place += Vector<uint>.Count;
        }

        for (; place < bits.Length; place++)
        {
            if ((bits[place] & MagnitudeBits) >= bound)
            {
                throw Malformed($"value {place:N0} is {values[place]}; only numbers below 2¹²⁶ can be merged");
            }
        }
    }
}
