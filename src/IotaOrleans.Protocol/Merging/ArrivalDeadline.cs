namespace IotaOrleans.Protocol.Merging;

/// <summary>Learns from past arrivals how long it makes sense to wait.</summary>
public static class ArrivalDeadline
{
    // A history without any spread would leave no room for the slightest delay.
    private const double LeastSlack = 0.25;

    /// <summary>Adds a duration; the oldest goes when there are more than <see cref="ArrivalStatistics.Capacity"/>.</summary>
    public static ArrivalStatistics Add(this ArrivalStatistics statistics, TimeSpan duration)
    {
        var durations = statistics.Durations.Add(duration);
        return new ArrivalStatistics(durations.Length > ArrivalStatistics.Capacity ? durations.RemoveAt(0) : durations);
    }

    /// <summary>
    /// How long to wait: median + max(k·MAD, median/4), between floor and ceiling, where MAD is the median absolute deviation; the ceiling
    /// while too little has arrived. Half of the arrivals may be arbitrarily slow without moving it beyond what the others take.
    /// </summary>
    /// <param name="statistics">Past arrivals.</param>
    /// <param name="bounds">Floor and ceiling.</param>
    /// <param name="deviations">k.</param>
    /// <param name="minimumArrivals">Arrivals below which nothing is learnt.</param>
    public static TimeSpan Wait(this ArrivalStatistics statistics, PhaseBounds bounds, double deviations, int minimumArrivals)
    {
        if (statistics.Durations.Length < Math.Max(1, minimumArrivals))
        {
            return bounds.Ceiling;
        }

        var median = Median(statistics.Durations.Select(duration => duration.TotalSeconds));
        var deviation = Median(statistics.Durations.Select(duration => Math.Abs(duration.TotalSeconds - median)));
        var seconds = median + Math.Max(deviations * deviation, LeastSlack * median);
        return TimeSpan.FromSeconds(Math.Clamp(seconds, bounds.Floor.TotalSeconds, bounds.Ceiling.TotalSeconds));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
