using IotaOrleans.Tensors;

namespace IotaOrleans.Tests.Updates;

public sealed class ErrorFeedbackTests
{
    private const int Count = 9_000;

    [Theory]
    [InlineData(UpdateFormat.Float32)]
    [InlineData(UpdateFormat.BFloat16)]
    [InlineData(UpdateFormat.Int8)]
    [InlineData(UpdateFormat.TopK)]
    public void Nothing_is_lost_without_decay(UpdateFormat format)
    {
        var codec = UpdateCodec.For(format);
        var feedback = new ErrorFeedback(Count, decay: 1);
        var (sent, arrived) = (new double[Count], new double[Count]);
        for (var round = 0; round < 50; round++)
        {
            var update = Update(round);
            Add(sent, update);
            Add(arrived, Send(codec, feedback, update));
        }

        for (var i = 0; i < Count; i++)
        {
            (arrived[i] + feedback.Residual[i]).Should().BeApproximately(sent[i], 1e-4, "what has not arrived is still there");
        }
    }

    [Fact]
    public void The_sum_of_what_arrives_follows_the_sum_of_updates()
    {
        var codec = UpdateCodec.For(UpdateFormat.TopK);
        var feedback = new ErrorFeedback(Count);
        var direction = Update(0);
        var (sent, arrived, forgetful) = (new double[Count], new double[Count], new double[Count]);
        for (var round = 0; round < 400; round++)
        {
            Add(sent, direction);
            Add(arrived, Send(codec, feedback, direction));
            Add(forgetful, Send(codec, new ErrorFeedback(Count), direction));
        }

        Cosine(arrived, sent).Should().BeGreaterThan(0.85);
        Cosine(forgetful, sent).Should().BeLessThan(0.5, "without feedback only the largest values ever arrive");
    }

    [Fact]
    public void The_residual_is_what_was_left_out_and_decays()
    {
        var codec = UpdateCodec.For(UpdateFormat.TopK);
        var feedback = new ErrorFeedback(128, decay: 0.5f);
        var update = new float[128];
        (update[3], update[7], update[90]) = (4, 2, 1);

        Send(codec, feedback, update).Should().Match(decoded => decoded.ElementAt(3) == 4 && decoded.ElementAt(7) == 2 && decoded.ElementAt(90) == 0);
        feedback.Residual[90].Should().Be(1);
        var second = Send(codec, feedback, new float[128]);

        second[90].Should().Be(0.5f, "half of what was left out has remained");
        feedback.Residual.ToArray().Should().OnlyContain(value => value == 0);
    }

    [Fact]
    public void Ranges_give_the_same_bytes_and_residual_as_the_whole()
    {
        var codec = UpdateCodec.For(UpdateFormat.TopK);
        var (whole, parts) = (new ErrorFeedback(Count), new ErrorFeedback(Count));
        for (var round = 0; round < 3; round++)
        {
            var update = Update(round);
            var expected = new byte[codec.ByteCount(Count)];
            whole.Encode(codec, update, expected);
            var bytes = new byte[expected.Length];
            foreach (var (first, end) in new[] { (4096, Count), (0, 4096) })
            {
                parts.Encode(codec, update.AsSpan(first..end), bytes.AsSpan((int)codec.ByteCount(first)..(int)codec.ByteCount(end)), first);
            }

            bytes.Should().Equal(expected);
        }

        parts.Residual.ToArray().Should().Equal(whole.Residual.ToArray());
    }

    [Fact]
    public void A_refused_update_leaves_the_residual_as_it_was()
    {
        var codec = UpdateCodec.For(UpdateFormat.TopK);
        var feedback = new ErrorFeedback(Count);
        Send(codec, feedback, Update(1));
        var before = feedback.Residual.ToArray();
        var broken = Update(2);
        broken[^1] = float.NaN;

        FluentActions.Invoking(() => Send(codec, feedback, broken)).Should().Throw<UpdateFormatException>();
        FluentActions.Invoking(() => feedback.Encode(codec, new float[8], new byte[7], first: 8)).Should().Throw<UpdateFormatException>().WithMessage("*no range of*");

        feedback.Residual.ToArray().Should().Equal(before);
    }

    private static float[] Update(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }

    private static float[] Send(UpdateCodec codec, ErrorFeedback feedback, float[] update)
    {
        var bytes = new byte[codec.ByteCount(update.Length)];
        feedback.Encode(codec, update, bytes);
        var decoded = new float[update.Length];
        codec.Decode(bytes, decoded);
        return decoded;
    }

    private static void Add(double[] sum, float[] values)
    {
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] += values[i];
        }
    }

    private static double Cosine(double[] left, double[] right) =>
        left.Zip(right, (a, b) => a * b).Sum() / Math.Sqrt(left.Sum(a => a * a) * right.Sum(b => b * b));
}
