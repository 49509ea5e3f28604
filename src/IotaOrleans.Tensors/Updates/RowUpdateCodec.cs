namespace IotaOrleans.Tensors;

/// <summary>Updates in the formats in which activations travel too: every value is there, with fewer or with all of its bits.</summary>
internal sealed class RowUpdateCodec : UpdateCodec
{
    private readonly WireFormat _wireFormat;

    private RowUpdateCodec(UpdateFormat format, WireFormat wireFormat, int rowLength)
    {
        Format = format;
        _wireFormat = wireFormat;
        Granularity = rowLength;
    }

    public static RowUpdateCodec Float32 { get; } = new(UpdateFormat.Float32, WireFormat.Float32, 1);

    public static RowUpdateCodec BFloat16 { get; } = new(UpdateFormat.BFloat16, WireFormat.BFloat16, 1);

    /// <summary>Rows short enough that one large value does not drown its neighbours, long enough that their scale weighs little.</summary>
    public static RowUpdateCodec Int8 { get; } = new(UpdateFormat.Int8, WireFormat.Int8, 256);

    public override UpdateFormat Format { get; }

    public override int Granularity { get; }

    public override long ByteCount(long count)
    {
        var (rows, rest) = Math.DivRem(count, Granularity);
        return (rows * WireTensor.RowByteCount(_wireFormat, Granularity)) + (rest == 0 ? 0 : WireTensor.RowByteCount(_wireFormat, (int)rest));
    }

    private protected override void EncodeValues(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        var (whole, wholeBytes) = WholeRows(values.Length);
        WireTensor.Pack(_wireFormat, values[..whole], Granularity, bytes[..wholeBytes]);
        if (whole < values.Length)
        {
            WireTensor.Pack(_wireFormat, values[whole..], values.Length - whole, bytes[wholeBytes..]);
        }
    }

    private protected override void DecodeValues(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        var (whole, wholeBytes) = WholeRows(values.Length);
        WireTensor.Unpack(_wireFormat, bytes[..wholeBytes], Granularity, values[..whole]);
        if (whole < values.Length)
        {
            WireTensor.Unpack(_wireFormat, bytes[wholeBytes..], values.Length - whole, values[whole..]);
        }
    }

    private (int Values, int Bytes) WholeRows(int count)
    {
        var whole = count - (count % Granularity);
        return (whole, (int)ByteCount(whole));
    }
}
