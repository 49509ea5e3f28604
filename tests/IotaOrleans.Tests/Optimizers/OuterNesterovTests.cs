using CsCheck;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Training.Optimizers;

namespace IotaOrleans.Tests.Optimizers;

public sealed class OuterNesterovTests
{
    private static readonly Gen<float[]> Vector = Gen.Float[-10, 10].Array[1, 70];

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(2, 0.5 + (0.4 / 19))]
    [InlineData(20, 0.9)]
    [InlineData(21, 0.9)]
    [InlineData(1_000_000, 0.9)]
    public void The_momentum_rises_over_twenty_rounds(long round, double momentum) => new OuterSettings().MomentumAt(round).Should().BeApproximately(momentum, 1e-12);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Without_warm_up_the_first_round_has_all_momentum(int rounds) =>
        new OuterSettings { MomentumWarmupRounds = rounds }.MomentumAt(1).Should().Be(0.9);

    [Fact]
    public void Steps_have_the_bits_of_the_plain_formula() => Vector.ForAll(start =>
    {
        var settings = new OuterSettings();
        var optimizer = new OuterNesterov(settings, start.Length);
        float[] values = [.. start], expected = [.. start], velocity = new float[start.Length];
        var random = new Random(start.Length);
        for (var round = 1; round <= 30; round++)
        {
            var gradient = start.Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
            optimizer.Step(values, gradient, round);
            var mu = (float)settings.MomentumAt(round);
            for (var i = 0; i < expected.Length; i++)
            {
                velocity[i] = (mu * velocity[i]) + gradient[i];
                expected[i] -= 0.7f * (gradient[i] + (mu * velocity[i]));
            }
        }

        values.Should().Equal(expected);
        optimizer.Velocity.ToArray().Should().Equal(velocity);
    });

    [Fact]
    public void The_first_step_is_that_of_nesterov_by_hand()
    {
        float[] values = [1];

        new OuterNesterov(new OuterSettings { LearningRate = 0.5, Momentum = 0.5 }, 1).Step(values, [0.2f], round: 1);

        values[0].Should().BeApproximately(1 - (0.5f * (0.2f + (0.5f * 0.2f))), 1e-7f);
    }

    [Fact]
    public void Ranges_in_any_order_are_the_whole_and_what_is_passed_over_stays() => Gen.Select(Vector, Gen.Int[0, 70], Gen.Int[0, 70]).ForAll((start, a, b) =>
    {
        var (first, end) = (Math.Min(Math.Min(a, b), start.Length), Math.Min(Math.Max(a, b), start.Length));
        var gradient = start.Reverse().ToArray();
        float[] whole = [.. start], parts = [.. start], skipping = [.. start];
        new OuterNesterov(new OuterSettings(), start.Length).Step(whole, gradient, 3);

        var optimizer = new OuterNesterov(new OuterSettings(), start.Length);
        foreach (var (from, to) in new[] { (end, start.Length), (0, first), (first, end) })
        {
            optimizer.Step(parts.AsSpan(from..to), gradient.AsSpan(from..to), 3, from);
        }

        var passing = new OuterNesterov(new OuterSettings(), start.Length);
        passing.Step(skipping.AsSpan(..first), gradient.AsSpan(..first), 3);
        passing.Step(skipping.AsSpan(end..), gradient.AsSpan(end..), 3, end);

        parts.Should().Equal(whole);
        float[] passedOver = [.. whole[..first], .. start[first..end], .. whole[end..]];
        skipping.Should().Equal(passedOver);
        passing.Velocity[first..end].ToArray().Should().NotContain(velocity => velocity != 0);
    });

    [Fact]
    public void A_plain_average_is_a_step_of_one_without_momentum() => Vector.ForAll(start =>
    {
        var local = start.Select(value => value * 0.5f).ToArray();
        var gradient = new float[start.Length];
        float[] values = [.. start];
        PseudoGradient.Compute(start, local, gradient);

        new OuterNesterov(new OuterSettings { LearningRate = 1, Momentum = 0, FirstMomentum = 0 }, start.Length).Step(values, gradient, 1);

        values.Should().Equal(local);
    });

    [Fact]
    public void Vectors_of_different_stages_are_refused()
    {
        FluentActions.Invoking(() => PseudoGradient.Compute(new float[3], new float[4], new float[3])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new OuterNesterov(new OuterSettings(), 4).Step(new float[4], new float[3], 1)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Settings_that_cannot_work_are_refused_by_name()
    {
        OuterSettingsValidator.Validate(new OuterSettings());
        (OuterSettings Wrong, string Name)[] cases =
        [
            (new OuterSettings { LearningRate = 0 }, "--outer-learning-rate"),
            (new OuterSettings { LearningRate = double.NaN }, "--outer-learning-rate"),
            (new OuterSettings { Momentum = 1 }, "--outer-momentum"),
            (new OuterSettings { FirstMomentum = -0.1 }, "first round"),
            (new OuterSettings { MomentumWarmupRounds = -1 }, "-1 rounds"),
        ];
        foreach (var (wrong, name) in cases)
        {
            FluentActions.Invoking(() => OuterSettingsValidator.Validate(wrong)).Should().Throw<IotaException>().WithMessage($"*{name}*").Which.ExitCode.Should().Be(ExitCode.Usage);
        }
    }
}
