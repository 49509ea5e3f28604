using CsCheck;
using IotaOrleans.Tensors;

namespace IotaOrleans.Tests.Tensors;

public sealed class WireTensorTests
{
    /// <summary>Rows whose values are all smaller are sent as zeros: 127 steps of them are not the inverse of a number.</summary>
    private const float SmallestOfInt8 = 127 / float.MaxValue;

    private static readonly Gen<float[]> Row = Gen.Float[-1000, 1000].Array[1, 70];

    [Fact]
    public void Single_precision_loses_nothing() => Row.ForAll(row => Through(WireFormat.Float32, row).Should().Equal(row));

    [Fact]
    public void BFloat16_is_within_half_a_unit_in_the_last_place() => Row.ForAll(row =>
    {
        var back = Through(WireFormat.BFloat16, row);
        for (var i = 0; i < row.Length; i++)
        {
            // Eight significant bits; numbers below 2⁻¹²⁶ have fewer.
            MathF.Abs(back[i] - row[i]).Should().BeLessThanOrEqualTo(MathF.Max(MathF.Abs(row[i]), MathF.ScaleB(1, -126)) / 256);
        }
    });

    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(-0f, -0f)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(1.00390625f, 1f)] // halfway between 1 and the next number: to even, which is down
    [InlineData(1.01171875f, 1.015625f)] // halfway, and even is up
    public void BFloat16_rounds_to_even_and_keeps_what_is_no_number(float value, float expected)
    {
        // As many values as fill a vector, and one more: both ways of rounding are the same.
        var back = Through(WireFormat.BFloat16, [.. Enumerable.Repeat(value, 33)]);

        back.Should().OnlyContain(it => BitConverter.SingleToInt32Bits(it) == BitConverter.SingleToInt32Bits(expected) || (float.IsNaN(it) && float.IsNaN(expected)));
    }

    [Fact]
    public void Int8_is_within_half_a_step_of_the_row() => Row.ForAll(row =>
    {
        var back = Through(WireFormat.Int8, row);
        var step = row.Max(MathF.Abs) / 127;
        for (var i = 0; i < row.Length; i++)
        {
            MathF.Abs(back[i] - row[i]).Should().BeLessThanOrEqualTo((step / 2 * 1.0001f) + SmallestOfInt8);
        }
    });

    [Theory]
    [InlineData(0f, 0f)]
    [InlineData(float.Epsilon, 0f)]
    [InlineData(-9.648e-38f, 0f)]
    [InlineData(4e-37f, 4e-37f)]
    [InlineData(3e38f, 3e38f)]
    public void Int8_rows_of_any_size_arrive_or_are_zeros(float value, float expected)
    {
        foreach (var back in Through(WireFormat.Int8, [value, 0, -value]).Zip([expected, 0, -expected]))
        {
            back.First.Should().BeApproximately(back.Second, MathF.Abs(back.Second) * 1e-6f);
        }
    }

    [Fact]
    public void Int8_rows_have_scales_of_their_own()
    {
        float[] rows = [1e-3f, -2e-3f, 1e3f, 2e3f];
        var wire = new byte[2 * WireTensor.RowByteCount(WireFormat.Int8, 2)];
        var back = new float[4];

        WireTensor.Pack(WireFormat.Int8, rows, 2, wire);
        WireTensor.Unpack(WireFormat.Int8, wire, 2, back);

        back[1].Should().BeApproximately(-2e-3f, 1e-8f);
        back[3].Should().BeApproximately(2e3f, 1e-2f);
    }

    [Fact]
    public void A_row_with_a_NaN_arrives_as_no_numbers() => Through(WireFormat.Int8, [1, float.NaN, 3]).Should().OnlyContain(value => float.IsNaN(value));

    [Theory]
    [InlineData(WireFormat.Float32, 11)]
    [InlineData(WireFormat.BFloat16, 7)]
    [InlineData(WireFormat.Int8, 8)]
    public void A_payload_of_the_wrong_size_is_refused(WireFormat format, int bytes) =>
        FluentActions.Invoking(() => WireTensor.Unpack(format, new byte[bytes], 3, new float[3])).Should().Throw<FrameFormatException>()
            .Which.Fault.Should().Be(FrameFault.BadShape);

    private static float[] Through(WireFormat format, float[] row)
    {
        var wire = new byte[WireTensor.RowByteCount(format, row.Length)];
        var back = new float[row.Length];
        WireTensor.Pack(format, row, row.Length, wire);
        WireTensor.Unpack(format, wire, row.Length, back);
        return back;
    }
}
