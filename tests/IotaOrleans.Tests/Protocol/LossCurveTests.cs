using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Views;

namespace IotaOrleans.Tests.Protocol;

public sealed class LossCurveTests
{
    [Fact]
    public void Any_growing_curve_keeps_both_ends_and_stays_small_and_sorted() =>
        Gen.Select(Gen.Int[1, 20_000], Gen.Int[0, 1_000]).ForAll(
            (count, first) =>
            {
                var curve = Grow([], first + 1, first + count);
                return curve.Length <= LossCurve.Capacity
                    && curve[0].Step == first + 1 && curve[^1].Step == first + count
                    && curve.Zip(curve.Skip(1)).All(pair => pair.First.Step < pair.Second.Step);
            },
            cases: 30);

    [Fact]
    public void A_full_curve_halves_its_resolution_and_no_more()
    {
        var curve = Grow([], 1, 20_000);

        curve.Length.Should().BeGreaterThan(LossCurve.Capacity / 2);
        var distances = curve.Zip(curve.Skip(1)).Select(pair => pair.Second.Step - pair.First.Step).ToArray();
        distances[..^1].Should().AllBeEquivalentTo(64, "points but the last keep an even distance");
        distances[^1].Should().BeLessThanOrEqualTo(64);
    }

    [Fact]
    public void Few_points_are_all_kept() => Grow([], 1, LossCurve.Capacity).Select(point => point.Step).Should().Equal(Enumerable.Range(1, LossCurve.Capacity).Select(step => (long)step));

    [Fact]
    public void A_repeated_step_replaces_the_points_from_there_on()
    {
        var curve = LossCurve.Add(Grow([], 1, 100), new LossPoint(51, 42));

        curve.Should().HaveCount(51);
        curve[^1].Should().Be(new LossPoint(51, 42));
        curve[^2].Step.Should().Be(50);
    }

    [Fact]
    public void Truncating_keeps_the_step_itself() => LossCurve.Truncate(Grow([], 1, 10), 4).Select(point => point.Step).Should().Equal(1, 2, 3, 4);

    private static ImmutableArray<LossPoint> Grow(ImmutableArray<LossPoint> curve, long first, long last)
    {
        for (var step = first; step <= last; step++)
        {
            curve = LossCurve.Add(curve, new LossPoint(step, 1.0 / step));
        }

        return curve;
    }
}
