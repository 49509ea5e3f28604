using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;

namespace IotaOrleans.Tensors;

/// <summary>
/// Packs single-precision rows for the wire and unpacks them. An <see cref="WireFormat.Int8"/> row is its scale (a single) and then one
/// signed byte per value, so its last dimension is four larger.
/// </summary>
public static class WireTensor
{
    private const int ScaleBytes = sizeof(float);
    private const float LargestInt8 = 127;

    /// <summary>Element type of a format.</summary>
    public static TensorElementType ElementType(WireFormat format) => format switch
    {
        WireFormat.Float32 => TensorElementType.Float32,
        WireFormat.BFloat16 => TensorElementType.BFloat16,
        WireFormat.Int8 => TensorElementType.Int8,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown wire format"),
    };

    /// <summary>Shape on the wire of a tensor.</summary>
    /// <param name="format">The format.</param>
    /// <param name="shape">Dimensions of the tensor, outermost first.</param>
    public static ImmutableArray<int> Shape(WireFormat format, ImmutableArray<int> shape) =>
        format == WireFormat.Int8 ? shape.SetItem(shape.Length - 1, shape[^1] + ScaleBytes) : shape;

    /// <summary>Bytes on the wire of one row.</summary>
    public static int RowByteCount(WireFormat format, int rowLength) => format switch
    {
        WireFormat.Float32 => rowLength * sizeof(float),
        WireFormat.BFloat16 => rowLength * sizeof(ushort),
        WireFormat.Int8 => rowLength + ScaleBytes,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown wire format"),
    };

    /// <summary>Packs rows.</summary>
    /// <param name="format">The format.</param>
    /// <param name="values">The rows, one after the other.</param>
    /// <param name="rowLength">Values per row.</param>
    /// <param name="wire">Receives <see cref="RowByteCount"/> bytes per row.</param>
    public static void Pack(WireFormat format, ReadOnlySpan<float> values, int rowLength, Span<byte> wire)
    {
        Require(format, values.Length, rowLength, wire.Length);
        switch (format)
        {
            case WireFormat.Float32:
                MemoryMarshal.AsBytes(values).CopyTo(wire);
                break;
            case WireFormat.BFloat16:
                PackBFloat16(MemoryMarshal.Cast<float, uint>(values), MemoryMarshal.Cast<byte, ushort>(wire));
                break;
            default:
                for (var row = 0; row < values.Length / rowLength; row++)
                {
                    PackInt8(values.Slice(row * rowLength, rowLength), wire.Slice(row * (rowLength + ScaleBytes), rowLength + ScaleBytes));
                }

                break;
        }
    }

    /// <summary>Unpacks rows.</summary>
    /// <param name="format">The format.</param>
    /// <param name="wire"><see cref="RowByteCount"/> bytes per row.</param>
    /// <param name="rowLength">Values per row.</param>
    /// <param name="values">Receives the rows.</param>
    public static void Unpack(WireFormat format, ReadOnlySpan<byte> wire, int rowLength, Span<float> values)
    {
        Require(format, values.Length, rowLength, wire.Length);
        switch (format)
        {
            case WireFormat.Float32:
                wire.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case WireFormat.BFloat16:
                UnpackBFloat16(MemoryMarshal.Cast<byte, ushort>(wire), MemoryMarshal.Cast<float, uint>(values));
                break;
            default:
                for (var row = 0; row < values.Length / rowLength; row++)
                {
                    UnpackInt8(wire.Slice(row * (rowLength + ScaleBytes), rowLength + ScaleBytes), values.Slice(row * rowLength, rowLength));
                }

                break;
        }
    }

    private static void Require(WireFormat format, int values, int rowLength, int wire)
    {
        if (rowLength <= 0 || values % rowLength != 0 || wire != (long)(values / rowLength) * RowByteCount(format, rowLength))
        {
            throw new FrameFormatException(FrameFault.BadShape, $"{values:N0} values in rows of {rowLength:N0} are not {wire:N0} bytes of {format}");
        }
    }

    /// <summary>Rounds to nearest, ties to even. A NaN stays one: rounding up would carry its fraction into the sign.</summary>
    private static void PackBFloat16(ReadOnlySpan<uint> bits, Span<ushort> wire)
    {
        var place = 0;
        var (half, one, magnitude, infinity) = (new Vector<uint>(0x7FFF), Vector<uint>.One, new Vector<uint>(0x7FFF_FFFF), new Vector<uint>(0x7F80_0000));
        for (; place <= bits.Length - Vector<ushort>.Count; place += Vector<ushort>.Count)
        {
            Vector.Narrow(Round(new Vector<uint>(bits[place..])), Round(new Vector<uint>(bits[(place + Vector<uint>.Count)..]))).CopyTo(wire[place..]);
        }

        for (; place < bits.Length; place++)
        {
            var value = bits[place];
            wire[place] = (ushort)((value & 0x7FFF_FFFF) > 0x7F80_0000 ? (value >> 16) | 0x40 : (value + 0x7FFF + ((value >> 16) & 1)) >> 16);
        }

        Vector<uint> Round(Vector<uint> value)
        {
            var upper = Vector.ShiftRightLogical(value, 16);
            var rounded = Vector.ShiftRightLogical(value + half + (upper & one), 16);
            return Vector.ConditionalSelect(Vector.GreaterThan(value & magnitude, infinity), upper | new Vector<uint>(0x40), rounded);
        }
    }

    private static void UnpackBFloat16(ReadOnlySpan<ushort> wire, Span<uint> bits)
    {
        var place = 0;
        for (; place <= bits.Length - Vector<ushort>.Count; place += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(wire[place..]), out var low, out var high);
            Vector.ShiftLeft(low, 16).CopyTo(bits[place..]);
            Vector.ShiftLeft(high, 16).CopyTo(bits[(place + Vector<uint>.Count)..]);
        }

        for (; place < bits.Length; place++)
        {
            bits[place] = (uint)wire[place] << 16;
        }
    }

    private static void PackInt8(ReadOnlySpan<float> row, Span<byte> wire)
    {
        var largest = 0f;
        foreach (var value in row)
        {
            // A NaN makes the scale a NaN and so the whole row: the receiver sees that something is wrong.
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        // Numbers so small that a step between them has no inverse are nothing: zeros, like the padding of a masked row.
        var factor = LargestInt8 / largest;
        if (float.IsInfinity(factor))
        {
            (largest, factor) = (0, 0);
        }

        MemoryMarshal.Write(wire, largest / LargestInt8);
        var bytes = MemoryMarshal.Cast<byte, sbyte>(wire[ScaleBytes..]);
        for (var i = 0; i < row.Length; i++)
        {
            bytes[i] = (sbyte)MathF.Round(row[i] * factor);
        }
    }

    private static void UnpackInt8(ReadOnlySpan<byte> wire, Span<float> row)
    {
        var scale = MemoryMarshal.Read<float>(wire);
        var bytes = MemoryMarshal.Cast<byte, sbyte>(wire[ScaleBytes..]);
        for (var i = 0; i < row.Length; i++)
        {
            row[i] = bytes[i] * scale;
        }
    }
}
