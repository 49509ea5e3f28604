using IotaOrleans.Host.Progress;

namespace IotaOrleans.ClusterTests.Progress;

public sealed class ChartTests
{
    private const char Empty = '\u2800';

    [Fact]
    public void AFallingLossFallsFromTheTopLeftToTheBottomRight()
    {
        var chart = BrailleChart.Draw([.. Enumerable.Range(1, 40).Select(step => new LossPoint(step, 5 - (step / 10.0)))], 1, 40, 20, 4);

        chart.Should().HaveCount(4).And.OnlyContain(line => line.Curve.Length == 20);
        chart[0].Label.Should().Be("4.90");
        chart[3].Label.Should().Be("1.00");
        chart[0].Curve[0].Should().NotBe(Empty);
        chart[0].Curve[^1].Should().Be(Empty);
        chart[3].Curve[0].Should().Be(Empty);
        chart[3].Curve[^1].Should().NotBe(Empty);
    }

    [Fact]
    public void WhatHasNotHappenedYetIsEmpty()
    {
        var chart = BrailleChart.Draw([.. Enumerable.Range(1, 10).Select(step => new LossPoint(step, step))], 1, 100, 50, 3);

        chart.Should().OnlyContain(line => line.Curve.Skip(8).All(cell => cell == Empty));
    }

    [Fact]
    public void TwoPointsAreJoined()
    {
        var chart = BrailleChart.Draw([new LossPoint(1, 2), new LossPoint(10, 1)], 1, 10, 10, 2);

        for (var column = 0; column < 10; column++)
        {
            chart.Should().Contain(line => line.Curve[column] != Empty);
        }
    }

    [Fact]
    public void OnePointAndNoPointAreCharts()
    {
        BrailleChart.Draw([new LossPoint(1, 2)], 1, 10, 10, 2).Should().HaveCount(2);
        BrailleChart.Draw([], 1, 10, 10, 2).Should().BeEmpty();
    }
}
