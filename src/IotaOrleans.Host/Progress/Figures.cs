using System.Globalization;

namespace IotaOrleans.Host.Progress;

/// <summary>Numbers as people read them.</summary>
internal static class Figures
{
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static string Count(long value) => value.ToString("N0", Culture);

    /// <summary>Three significant digits and a magnitude: 1.07M.</summary>
    public static string Short(double value) => Math.Abs(value) switch
    {
        < 1e3 => value.ToString("0", Culture),
        < 1e6 => Scaled(value / 1e3) + "k",
        < 1e9 => Scaled(value / 1e6) + "M",
        < 1e12 => Scaled(value / 1e9) + "B",
        _ => Scaled(value / 1e12) + "T",
    };

    public static string Bytes(double value) => value switch
    {
        < 1024d * 1024 => $"{Scaled(value / 1024)} KiB",
        < 1024d * 1024 * 1024 => $"{Scaled(value / 1024 / 1024)} MiB",
        _ => $"{Scaled(value / 1024 / 1024 / 1024)} GiB",
    };

    public static string Loss(double value) => value.ToString("0.0000", Culture);

    public static string Rate(double value) => value.ToString("0.00e-0", Culture);

    public static string Speed(double tokensPerSecond) => $"{Count((long)Math.Round(tokensPerSecond))} tokens/s";

    public static string Share(double share) => $"{(share * 100).ToString("0", Culture),3} %";

    /// <summary>Minutes and seconds, with hours and days when there are any.</summary>
    public static string Duration(double seconds)
    {
        if (!double.IsFinite(seconds) || seconds > TimeSpan.MaxValue.TotalSeconds / 2)
        {
            return "unknown";
        }

        var time = TimeSpan.FromSeconds(Math.Max(0, Math.Round(seconds)));
        return time.TotalDays >= 1
            ? string.Create(Culture, $"{(int)time.TotalDays} d {time.Hours} h")
            : time.TotalHours >= 1
                ? string.Create(Culture, $"{time.Hours}:{time.Minutes:00}:{time.Seconds:00}")
                : string.Create(Culture, $"{time.Minutes}:{time.Seconds:00}");
    }

    /// <summary>A path as one would type it here.</summary>
    public static string Place(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    public static string Plural(long count, string noun, string? plural = null) => $"{Count(count)} {(count == 1 ? noun : plural ?? noun + "s")}";

    private static string Scaled(double value) => Math.Abs(value) switch
    {
        < 10 => value.ToString("0.##", Culture),
        < 100 => value.ToString("0.#", Culture),
        _ => value.ToString("0", Culture),
    };
}
