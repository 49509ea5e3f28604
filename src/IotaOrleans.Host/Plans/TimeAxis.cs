using System.Globalization;

namespace IotaOrleans.Host.Plans;

/// <summary>Round times for an axis.</summary>
internal static class TimeAxis
{
    /// <summary>The smallest of 1, 2, 5, 10, 20 … (or 0.5, 0.2 …) that divides a span into at most so many parts.</summary>
    public static double Step(double span, int parts)
    {
        var least = span / Math.Max(1, parts);
        var magnitude = Math.Pow(10, Math.Floor(Math.Log10(least)));
        foreach (var factor in new[] { 1, 2, 5 })
        {
            if (factor * magnitude >= least * (1 - 1e-9))
            {
                return factor * magnitude;
            }
        }

        return 10 * magnitude;
    }

    public static string Label(double time) => time.ToString("0.####", CultureInfo.InvariantCulture);
}
