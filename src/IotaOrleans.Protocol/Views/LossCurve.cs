using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Views;

/// <summary>
/// A loss curve of bounded size. Points but the last stand a fixed number of steps apart; when the curve is full
/// every second point goes and that distance doubles. The first and the last point are always kept.
/// </summary>
public static class LossCurve
{
    /// <summary>Most points of a curve. Even, so that halving an overfull curve keeps both ends.</summary>
    public const int Capacity = 500;

    /// <summary>Adds a point; points at its step or later, left by a session that was rolled back, give way.</summary>
    public static ImmutableArray<LossPoint> Add(ImmutableArray<LossPoint> points, LossPoint point)
    {
        points = Truncate(points, point.Step - 1);
        var lastIsBetweenTwoPoints = points.Length > 2 && points[^1].Step - points[^2].Step < points[1].Step - points[0].Step;
        points = lastIsBetweenTwoPoints ? points.SetItem(points.Length - 1, point) : points.Add(point);
        return points.Length > Capacity ? [.. points.Where((_, index) => index % 2 == 0)] : points;
    }

    /// <summary>The points up to and including a step.</summary>
    public static ImmutableArray<LossPoint> Truncate(ImmutableArray<LossPoint> points, long lastStep)
    {
        var count = points.Length;
        while (count > 0 && points[count - 1].Step > lastStep)
        {
            count--;
        }

        return points[..count];
    }
}
