using CsCheck;
using IotaOrleans.Tensors;

namespace IotaOrleans.Tests.Updates;

public sealed class UpdateCodecTests
{
    /// <summary>Lengths around the edges of chunks and rows, and values of very different size.</summary>
    private static readonly Gen<float[]> Update =
        from length in Gen.OneOf(Gen.Int[0, 700], Gen.Int[4000, 4200], Gen.Int[8100, 9000])
        from scale in Gen.Double[-12, 3]
        from seed in Gen.Int[0, 1 << 20]
        select Values(length, seed, (float)Math.Pow(10, scale));

    private static readonly Gen<UpdateFormat> Format = Gen.Enum<UpdateFormat>();

    [Theory]
    [InlineData(UpdateFormat.Float32, 4096, 16384)]
    [InlineData(UpdateFormat.BFloat16, 4096, 8192)]
    [InlineData(UpdateFormat.Int8, 4096, 4096 + (16 * 4))]
    [InlineData(UpdateFormat.Int8, 257, 256 + 4 + 1 + 4)]
    [InlineData(UpdateFormat.TopK, 4096, 116)]
    [InlineData(UpdateFormat.TopK, 4097, 116 + 7)]
    [InlineData(UpdateFormat.TopK, 3L * 4096, 348)]
    [InlineData(UpdateFormat.TopK, 100_000_000_000L, 2_832_031_252L)]
    [InlineData(UpdateFormat.TopK, 0, 0)]
    public void The_size_is_known_before(UpdateFormat format, long count, long bytes) => UpdateCodec.For(format).ByteCount(count).Should().Be(bytes);

    [Fact]
    public void The_largest_values_are_a_hundred_and_forty_times_smaller() =>
        (4.0 * 10_000_000 / UpdateCodec.For(UpdateFormat.TopK).ByteCount(10_000_000)).Should().BeGreaterThan(140);

    [Fact]
    public void Every_value_is_within_the_formats_error() => Gen.Select(Format, Update).ForAll((format, update) =>
    {
        var back = Through(UpdateCodec.For(format), update);

        for (var i = 0; i < update.Length; i++)
        {
            var row = update.AsSpan(i / 256 * 256, Math.Min(256, update.Length - (i / 256 * 256)));
            var allowed = format switch
            {
                UpdateFormat.Float32 => 0,
                UpdateFormat.BFloat16 => MathF.Max(MathF.Abs(update[i]), MathF.ScaleB(1, -126)) / 256,
                UpdateFormat.Int8 => MathF.Max(Largest(row) / 254 * 1.0001f, 1e-36f),
                _ => Largest(update) * 1.004f,
            };
            MathF.Abs(back[i] - update[i]).Should().BeLessThanOrEqualTo(allowed);
        }
    });

    [Fact]
    public void A_range_is_encoded_as_the_whole_has_it() => Gen.Select(Format, Update, Gen.Int[0, 10]).ForAll((format, update, cut) =>
    {
        var codec = UpdateCodec.For(format);
        var whole = Encode(codec, update);
        var first = Math.Min(cut * codec.Granularity, update.Length);

        var (left, right) = (Encode(codec, update[..first]), Encode(codec, update[first..]));

        left.Length.Should().Be((int)codec.ByteCount(first));
        left.Concat(right).Should().Equal(whole);
        Decode(codec, whole[left.Length..], update.Length - first).Should().Equal(Decode(codec, whole, update.Length)[first..]);
    });

    [Fact]
    public void What_was_decoded_is_encoded_to_the_same_values() => Gen.Select(Format, Update).ForAll((format, update) =>
    {
        var codec = UpdateCodec.For(format);
        var once = Through(codec, update);

        foreach (var (twice, expected) in Through(codec, once).Zip(once))
        {
            twice.Should().BeApproximately(expected, MathF.Abs(expected) * 0.01f);
        }
    });

    [Fact]
    public void The_largest_of_each_chunk_arrive_and_all_others_are_zero() => Update.ForAll(update =>
    {
        var back = Through(UpdateCodec.For(UpdateFormat.TopK), update);

        foreach (var (chunk, decoded) in update.Chunk(4096).Zip(back.Chunk(4096)))
        {
            var expected = Enumerable.Range(0, chunk.Length).OrderByDescending(i => MathF.Abs(chunk[i])).ThenBy(i => i).Take((chunk.Length + 63) / 64).Order().ToArray();
            Enumerable.Range(0, chunk.Length).Where(i => decoded[i] != 0).Should().BeSubsetOf(expected);
            decoded.Select(MathF.Abs).Where(magnitude => magnitude != 0).Distinct().Count().Should().BeLessThanOrEqualTo(2, "two bits are a sign and one of two levels");
            expected.Should().OnlyContain(i => decoded[i] == 0 || MathF.Sign(decoded[i]) == MathF.Sign(chunk[i]));
        }
    });

    [Fact]
    public void Among_equals_the_first_are_kept()
    {
        var update = Enumerable.Repeat(-0.5f, 4096).ToArray();

        var back = Through(UpdateCodec.For(UpdateFormat.TopK), update);

        back.Should().StartWith(Enumerable.Repeat(-0.5f, 64)).And.Subject.Skip(64).Should().OnlyContain(value => value == 0);
    }

    [Fact]
    public void Two_levels_stand_for_the_values_with_the_least_error()
    {
        var update = new float[4096];
        for (var i = 0; i < 64; i++)
        {
            update[i * 64] = (i % 2 == 0 ? 1 : -1) * (i < 10 ? 8f : 1f);
        }

        Through(UpdateCodec.For(UpdateFormat.TopK), update).Should().Equal(update);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(8.6e37f)]
    public void What_is_no_usable_number_is_not_encoded(float value)
    {
        foreach (var format in Enum.GetValues<UpdateFormat>())
        {
            foreach (var place in new[] { 0, 40, 299 })
            {
                var update = new float[300];
                update[place] = value;
                FluentActions.Invoking(() => Encode(UpdateCodec.For(format), update)).Should().Throw<UpdateFormatException>().Which.Format.Should().Be(format);
            }
        }
    }

    [Fact]
    public void What_is_just_small_enough_arrives_in_every_format()
    {
        var largest = MathF.BitDecrement(MathF.ScaleB(1, 126));
        foreach (var format in Enum.GetValues<UpdateFormat>())
        {
            Through(UpdateCodec.For(format), [largest, -largest, 0])[0].Should().BeApproximately(largest, largest / 200);
        }
    }

    [Fact]
    public void Bytes_of_the_wrong_size_are_refused() => Gen.Select(Format, Gen.Int[0, 10_000], Gen.Int[-3, 3]).ForAll((format, count, more) =>
    {
        var codec = UpdateCodec.For(format);
        var bytes = new byte[Math.Max(0, codec.ByteCount(count) + more)];
        if (bytes.Length != codec.ByteCount(count))
        {
            FluentActions.Invoking(() => Decode(codec, bytes, count)).Should().Throw<UpdateFormatException>();
        }
    });

    [Fact]
    public void Any_bytes_are_refused_or_give_finite_values() => Gen.Select(Format, Update, Gen.Int[0, 1 << 20]).ForAll((format, update, seed) =>
    {
        var codec = UpdateCodec.For(format);
        var bytes = Encode(codec, update);
        var random = new Random(seed);
        for (var changes = Math.Min(bytes.Length, 1 + (seed % 4)); changes > 0; changes--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        try
        {
            Decode(codec, bytes, update.Length).Should().OnlyContain(value => float.IsFinite(value));
        }
        catch (UpdateFormatException refused)
        {
            refused.Format.Should().Be(format);
        }
    });

    [Theory]
    [InlineData(4, 0x05, 5, 0x00, "place 0 follows 5*")]
    [InlineData(0, 0xFF, 1, 0x7F, "*wrong order")]
    [InlineData(2, 0x80, 3, 0xFF, "*not below 2¹²⁷")]
    [InlineData(2, 0x80, 3, 0x7F, "*not below 2¹²⁷")]
    public void Impossible_chunks_are_refused(int firstByte, byte first, int secondByte, byte second, string message)
    {
        var codec = UpdateCodec.For(UpdateFormat.TopK);
        var bytes = Encode(codec, Enumerable.Repeat(1f, 4096).ToArray());
        (bytes[firstByte], bytes[secondByte]) = (first, second);

        FluentActions.Invoking(() => Decode(codec, bytes, 4096)).Should().Throw<UpdateFormatException>().WithMessage("*" + message);
    }

    [Fact]
    public void A_short_chunk_has_no_places_after_its_end_and_no_bits_to_spare()
    {
        var codec = UpdateCodec.For(UpdateFormat.TopK);
        var bytes = Encode(codec, [1f, 2f, 3f]);
        byte[] beyond = [.. bytes], spare = [.. bytes], code = [.. bytes];
        (beyond[4], spare[5], code[6]) = (3, 0x10, (byte)(bytes[6] | 0x40));

        foreach (var wrong in new[] { beyond, spare, code })
        {
            FluentActions.Invoking(() => Decode(codec, wrong, 3)).Should().Throw<UpdateFormatException>();
        }
    }

    [Fact]
    public void Encoding_allocates_nothing()
    {
        var update = Values(100_000, 1, 1e-3f);
        foreach (var codec in Enum.GetValues<UpdateFormat>().Select(UpdateCodec.For))
        {
            var (bytes, back) = (Encode(codec, update), new float[update.Length]);
            var feedback = new ErrorFeedback(update.Length);
            feedback.Encode(codec, update, bytes);
            codec.Decode(bytes, back);

            // A collection, which any test beside this one may cause, takes the rest of the thread's allocation buffer away and counts it
            // as allocated. What the codec allocates would be there every time.
            var allocated = Enumerable.Range(0, 20).Min(_ =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                codec.Encode(update, bytes);
                codec.Decode(bytes, back);
                feedback.Encode(codec, update, bytes);
                return GC.GetAllocatedBytesForCurrentThread() - before;
            });
            allocated.Should().Be(0);
        }
    }

    private static float[] Values(int length, int seed, float scale)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)(Math.Pow(random.NextDouble() - 0.5, 3) * scale))];
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        var largest = 0f;
        foreach (var value in values)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        return largest;
    }

    private static byte[] Encode(UpdateCodec codec, float[] update)
    {
        var bytes = new byte[codec.ByteCount(update.Length)];
        codec.Encode(update, bytes);
        return bytes;
    }

    private static float[] Decode(UpdateCodec codec, byte[] bytes, int count)
    {
        var values = new float[count];
        codec.Decode(bytes, values);
        return values;
    }

    private static float[] Through(UpdateCodec codec, float[] update) => Decode(codec, Encode(codec, update), update.Length);
}
