using CsCheck;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Tests.Models;

/// <summary>
/// The element-by-element parts of a block against their formulas in double precision, and their gradients against differences of those. Rows of
/// every length: with and without a remainder that fills no vector.
/// </summary>
public sealed class ElementwiseTests
{
    private const double Step = 1e-5;
    private const double Epsilon = 1e-5;

    private static readonly Gen<(int Rows, int Width, int Seed)> Shapes = Gen.Select(Gen.Int[1, 5], Gen.Int[1, 40], Gen.Int[0, 1_000_000]);

    [Fact]
    public void Norms_and_their_gradients_are_those_of_the_formula() => Shapes.ForAll((rows, width, seed) =>
    {
        var random = new Random(seed);
        var (input, gradient, bypass, weight) = (Values(random, rows * width), Values(random, rows * width), Values(random, rows * width), Values(random, width));
        var (output, byInput, alone, byWeight) = (new float[input.Length], new float[input.Length], new float[input.Length], Values(random, width));
        var before = byWeight.ToArray();

        RootMeanSquareNorm.Forward(input, weight, (float)Epsilon, output);
        RootMeanSquareNorm.Backward(input, weight, (float)Epsilon, gradient, bypass, byInput, byWeight);
        RootMeanSquareNorm.Backward(input, weight, (float)Epsilon, gradient, [], alone, new float[width]);

        AreClose(output, Norm(Wide(input), Wide(weight)));
        var expected = Gradient(x => Norm(x, Wide(weight)), Wide(input), gradient);
        AreClose(alone, expected);
        AreClose(byInput, [.. expected.Zip(bypass, (by, past) => by + past)]);
        AreClose(byWeight, [.. Gradient(w => Norm(Wide(input), w), Wide(weight), gradient).Zip(before, (by, had) => by + had)]);
    });

    [Fact]
    public void Gates_and_their_gradients_are_those_of_the_formula() => Shapes.ForAll((rows, width, seed) =>
    {
        var random = new Random(seed);
        var (input, gradient) = (Values(random, 2 * rows * width), Values(random, rows * width));
        var (output, byInput) = (new float[gradient.Length], new float[input.Length]);

        GatedUnit.Forward(input, width, output);
        GatedUnit.Backward(input, width, gradient, byInput);

        AreClose(output, Gate(Wide(input), width));
        AreClose(byInput, Gradient(x => Gate(x, width), Wide(input), gradient));
    });

    [Theory]
    [InlineData(float.MinValue, 0)]
    [InlineData(-200, 0)]
    [InlineData(200, 200)]
    [InlineData(float.MaxValue, float.MaxValue)]
    public void Gates_far_from_zero_are_shut_or_open(float gate, float expected)
    {
        var (input, output, byInput) = (new float[2 * 9], new float[9], new float[2 * 9]);
        input.AsSpan(0, 9).Fill(gate);
        input.AsSpan(9).Fill(1);

        GatedUnit.Forward(input, 9, output);
        GatedUnit.Backward(input, 9, [.. Enumerable.Repeat(1f, 9)], byInput);

        output.Should().AllSatisfy(value => value.Should().Be(expected));
        byInput.Should().AllSatisfy(value => float.IsFinite(value).Should().BeTrue());
    }

    [Fact]
    public void Rotations_are_those_of_the_formula_and_are_turned_back() => Gen.Select(Gen.Int[1, 3], Gen.Int[1, 20], Gen.Int[0, 1_000_000]).ForAll((heads, half, seed) =>
    {
        const int Time = 6, Sequences = 2, Rest = 3;
        var model = new ModelConfiguration
        {
            VocabularySize = 8,
            HiddenSize = 2 * half * heads,
            IntermediateSize = 8,
            BlockCount = 1,
            HeadCount = heads,
            KeyValueHeadCount = heads,
            ContextLength = Time + 1,
        };
        var width = model.HiddenSize + Rest;
        var rows = Values(new Random(seed), Sequences * Time * width);
        var turned = rows.ToArray();
        var table = new RotaryTable(model);

        table.Rotate(new HeadRows(turned, width), new HeadRows(turned, width), heads, Time);

        AreClose(turned, Turn(Wide(rows), model, width, Time));
        var back = new float[Sequences * Time * model.HiddenSize];
        table.Rotate(new HeadRows(turned, width), new HeadRows(back, model.HiddenSize), heads, Time, back: true);
        AreClose(back, [.. rows.Chunk(width).SelectMany(row => row[..model.HiddenSize]).Select(value => (double)value)]);
    });

    private static double[] Norm(double[] rows, double[] weight) => [.. rows.Chunk(weight.Length).SelectMany(row =>
    {
        var root = Math.Sqrt(row.Average(value => value * value) + Epsilon);
        return row.Select((value, column) => value / root * weight[column]);
    })];

    private static double[] Gate(double[] rows, int width) =>
        [.. rows.Chunk(2 * width).SelectMany(row => row[..width].Zip(row[width..], (gate, up) => gate / (1 + Math.Exp(-gate)) * up))];

    private static double[] Turn(double[] rows, ModelConfiguration model, int width, int time)
    {
        var half = model.HeadSize / 2;
        var turned = rows.ToArray();
        for (var row = 0; row < rows.Length / width; row++)
        {
            for (var pair = 0; pair < model.HeadCount * half; pair++)
            {
                var place = (row * width) + (pair / half * model.HeadSize) + (pair % half);
                var angle = row % time * Math.Pow(model.RotaryBase, -2.0 * (pair % half) / model.HeadSize);
                var (first, second) = (rows[place], rows[place + half]);
                turned[place] = (first * Math.Cos(angle)) - (second * Math.Sin(angle));
                turned[place + half] = (second * Math.Cos(angle)) + (first * Math.Sin(angle));
            }
        }

        return turned;
    }

    /// <summary>The gradient by the input of what a function returns, weighed by the gradient by that.</summary>
    private static double[] Gradient(Func<double[], double[]> function, double[] input, float[] gradient) => [.. input.Select((value, place) =>
    {
        double[] more = [.. input], less = [.. input];
        (more[place], less[place]) = (value + Step, value - Step);
        return function(more).Zip(function(less), (high, low) => (high - low) / (2 * Step)).Zip(gradient, (slope, by) => slope * by).Sum();
    })];

    private static double[] Wide(float[] values) => [.. values.Select(value => (double)value)];

    private static float[] Values(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((4 * random.NextDouble()) - 2))];

    private static void AreClose(float[] values, double[] expected)
    {
        values.Should().HaveSameCount(expected);
        var scale = 1 + expected.Max(Math.Abs);
        for (var i = 0; i < values.Length; i++)
        {
            ((double)values[i]).Should().BeApproximately(expected[i], 2e-6 * scale, $"at {i} of {values.Length}");
        }
    }
}
