using CsCheck;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class ArrivalDeadlineTests
{
    private static readonly PhaseBounds Bounds = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1000));

    [Fact]
    public void Too_few_arrivals_teach_nothing() => Learn(1, 1, 1, 1).Wait(Bounds, 4, 5).Should().Be(Bounds.Ceiling);

    [Fact]
    public void The_wait_is_the_median_and_some_median_absolute_deviations() =>
        Learn(100, 110, 120, 130, 140).Wait(Bounds, 4, 5).Should().Be(TimeSpan.FromSeconds(120 + (4 * 10)));

    [Fact]
    public void Equal_arrivals_still_leave_slack() => Learn(100, 100, 100, 100, 100).Wait(Bounds, 4, 5).Should().Be(TimeSpan.FromSeconds(125));

    [Fact]
    public void It_stays_between_floor_and_ceiling()
    {
        Learn(0.1, 0.1, 0.1, 0.1, 0.1).Wait(Bounds, 4, 5).Should().Be(Bounds.Floor);
        Learn(9000, 9000, 9000, 9000, 9000).Wait(Bounds, 4, 5).Should().Be(Bounds.Ceiling);
    }

    [Fact]
    public void A_minority_of_arbitrarily_late_arrivals_cannot_prolong_it_beyond_the_others() =>
        Gen.Select(Gen.Double[50, 100].Array[11], Gen.Double[0, 1e6].Array[0, 5]).ForAll((usual, late) =>
            Learn([.. usual, .. late]).Wait(Bounds with { Ceiling = TimeSpan.FromDays(100) }, 4, 5).TotalSeconds.Should().BeInRange(50, 100 + (4 * 50)));

    [Fact]
    public void Old_arrivals_are_forgotten()
    {
        var learnt = Enumerable.Range(0, ArrivalStatistics.Capacity).Aggregate(Learn(900, 900, 900, 900, 900, 900), (statistics, _) => statistics.Add(TimeSpan.FromSeconds(8)));

        learnt.Durations.Should().HaveCount(ArrivalStatistics.Capacity).And.OnlyContain(duration => duration == TimeSpan.FromSeconds(8));
        learnt.Wait(Bounds, 4, 5).Should().Be(TimeSpan.FromSeconds(10));
    }

    private static ArrivalStatistics Learn(params double[] seconds) =>
        seconds.Aggregate(ArrivalStatistics.None, (statistics, duration) => statistics.Add(TimeSpan.FromSeconds(duration)));
}
