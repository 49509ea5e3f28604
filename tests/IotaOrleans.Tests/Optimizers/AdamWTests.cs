using IotaOrleans.Training.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = IotaOrleans.Training.Optimizers.AdamW;

namespace IotaOrleans.Tests.Optimizers;

[Collection(TorchAlone.Name)]
public sealed class AdamWTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1003)]
    public void Steps_equal_those_of_torch(int count)
    {
        using var scope = NewDisposeScope();
        var settings = new OptimizerSettings { LearningRate = 1e-2 };
        var random = new Random(count);
        var values = Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
        var parameter = new Parameter(tensor(values).clone());
        var reference = optim.AdamW([parameter], settings.LearningRate, settings.Beta1, settings.Beta2, settings.Epsilon, settings.WeightDecay);
        var optimizer = new AdamW(settings, count);

        for (var step = 1; step <= 20; step++)
        {
            var gradients = Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
            parameter.grad = tensor(gradients).clone() * 0.5f;
            reference.step();
            optimizer.Step(values, gradients, count, step, settings.LearningRate, 0.5);
            gradients.Should().OnlyContain(gradient => gradient == 0);
        }

        var expected = parameter.data<float>().ToArray();
        for (var i = 0; i < count; i++)
        {
            values[i].Should().BeApproximately(expected[i], 2e-6f);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1003)]
    public void Two_halves_are_a_whole_step_bit_for_bit(int count)
    {
        var settings = new OptimizerSettings();
        var random = new Random(count);
        float[] Random() => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
        var values = Random();
        var (whole, halves) = (new AdamW(settings, count), new AdamW(settings, count));
        var inHalves = values.ToArray();
        for (var step = 1; step <= 5; step++)
        {
            var gradients = Random();
            var (before, kept) = (halves.FirstMoment.ToArray(), gradients.ToArray());
            halves.StepValues(inHalves, kept, count / 2, step, 1e-3);
            kept.Should().Equal(gradients);
            halves.FirstMoment.ToArray().Should().Equal(before);
            halves.StepMoments(inHalves, kept, count / 2, step, 1e-3);
            whole.Step(values, gradients, count / 2, step, 1e-3, gradientScale: 1);

            inHalves.Should().Equal(values);
            kept.Should().OnlyContain(gradient => gradient == 0);
            halves.FirstMoment.ToArray().Should().Equal(whole.FirstMoment.ToArray());
            halves.SecondMoment.ToArray().Should().Equal(whole.SecondMoment.ToArray());
        }
    }

    [Fact]
    public void Only_the_first_parameters_decay()
    {
        float[] values = [1, 1];
        new AdamW(new OptimizerSettings { WeightDecay = 0.5 }, 2).Step(values, new float[2], decayCount: 1, step: 1, learningRate: 0.1, gradientScale: 1);

        values.Should().Equal(0.95f, 1f);
    }

    [Fact]
    public void The_sum_of_squares_is_exact_where_single_precision_is_not()
    {
        var gradients = Enumerable.Repeat(1e-3f, 1_000_003).ToArray();

        GradientNorm.SumOfSquares(gradients).Should().BeApproximately(1_000_003 * ((double)1e-3f * 1e-3f), 1e-9);
    }

    [Theory]
    [InlineData(0.5, 1, 1)]
    [InlineData(2, 1, 0.5)]
    [InlineData(2, 0, 1)]
    public void Gradients_are_scaled_down_to_the_bound_and_never_up(double norm, double bound, double scale) =>
        GradientNorm.ClipScale(norm, bound).Should().BeApproximately(scale, 1e-6);
}
