using CsCheck;
using IotaOrleans.Host.Plans;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tests;

namespace IotaOrleans.ClusterTests.Plans;

public sealed class ScheduleChartTests
{
    [Fact]
    public void EveryRowIsAsWideAsTheStepAndFitsWhateverTheShape() => Gen.Select(
        Gen.Enum<ScheduleKind>(), Gen.Int[1, 8], Gen.Int[1, 4], Gen.Int[20, 200], Gen.Double[0.1, 3], Gen.Bool,
        (kind, ranks, groups, columns, backward, letters) => (kind, ranks, groups, columns, backward, letters)).ForAll(it =>
    {
        var chart = Chart(it.kind, it.ranks, it.ranks * it.groups, new ScheduleCosts(1, it.backward, 0.5, 0.25), it.columns, it.letters);

        chart.Width.Should().BeLessThanOrEqualTo(it.columns);
        chart.Rows.Should().HaveCount(it.ranks).And.OnlyContain(row => row.Sum(segment => segment.Text.Length) == chart.Width);
    });

    [Theory]
    [InlineData(200, true, "F0 F1 ·  ·  B0─── F2 B1─── F3 B2─── ·  B3─── ")]
    [InlineData(30, true, "F0F1· · B0─ F2B1─ F3B2─ · B3─ ")]
    [InlineData(29, true, "FF··B0FB1FB2·B3")]
    [InlineData(30, false, "0 1 · ·  0  2  1  3  2  ·  3  ")]
    public void ALabelSaysAsMuchAsThereIsRoomFor(int columns, bool letters, string row) =>
        string.Concat(Chart(ScheduleKind.OneForwardOneBackward, 2, 4, new ScheduleCosts(), columns, letters).Rows.First().Select(segment => segment.Text)).Should().Be(row);

    [Fact]
    public void ALaterChunkHasSmallLettersWhereItsNumberDoesNotFit() =>
        string.Concat(Chart(ScheduleKind.Interleaved, 2, 2, new ScheduleCosts(), 30, letters: true).Rows.First().Select(segment => segment.Text))
            .Should().Be("F0F1f0f1· · B0.1· B1.1B0─ B1─ ");

    [Fact]
    public void PassesThatAreTooShortToBeSeenAreAdmitted()
    {
        Chart(ScheduleKind.OneForwardOneBackward, 8, 64, new ScheduleCosts(), 50, letters: true).IsComplete.Should().BeFalse();
        Chart(ScheduleKind.OneForwardOneBackward, 2, 4, new ScheduleCosts(), 50, letters: true).IsComplete.Should().BeTrue();
    }

    [Theory]
    [InlineData(27, 6, 5)]
    [InlineData(27, 27, 1)]
    [InlineData(1, 10, 0.1)]
    [InlineData(1000, 4, 500)]
    public void AxesHaveRoundSteps(double span, int parts, double step) => TimeAxis.Step(span, parts).Should().BeApproximately(step, 1e-12);

    private static ScheduleChart Chart(ScheduleKind kind, int ranks, int microBatches, ScheduleCosts costs, int columns, bool letters) =>
        ScheduleChart.Of(SchedulePlan.Of(kind, new PipelineShape(ranks, microBatches, 2, costs))!.Timeline, columns, letters);
}
