using CsCheck;
using IotaOrleans.Training.Optimizers;

namespace IotaOrleans.Tests.Optimizers;

public sealed class GradientSumTests
{
    [Fact]
    public void Every_value_is_added_to_its_own() => Gen.Select(Gen.Int[0, 70], Gen.Int).ForAll((length, seed) =>
    {
        var random = new Random(seed);
        var (first, second) = (Values(), Values());
        var sum = first.ToArray();

        GradientSum.Add(sum, second);

        sum.Should().Equal(first.Zip(second, (left, right) => left + right));

        float[] Values() => [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)];
    });

    [Fact]
    public void Gradients_of_different_lengths_are_refused() =>
        FluentActions.Invoking(() => GradientSum.Add(new float[3], new float[2])).Should().Throw<ArgumentException>().WithMessage("*3 and 2 parameters*");
}
