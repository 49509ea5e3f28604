using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace IotaOrleans.Benchmarks.Measuring;

/// <summary>Two sides of one measurement: medians over rounds that were run in turn, and the median of the rounds' ratios.</summary>
internal sealed record Comparison
{
    private const int WidthWithoutTerminal = 160;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public required string Name { get; init; }

    public required string Unit { get; init; }

    public required double Ours { get; init; }

    public required double Other { get; init; }

    public required double Ratio { get; init; }

    /// <summary>What the other side is.</summary>
    public required string Against { get; init; }

    /// <summary>The ratio that is asked for, or null.</summary>
    public double? Required { get; init; }

    public int Rounds { get; init; }

    /// <summary>For schedules: our side's idle share of the step.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Bubble { get; init; }

    /// <summary>For schedules: the idle share by the paper's formula.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Formula { get; init; }

    public bool Passed => Required is null || Ratio >= Required;

    public static Comparison Of(string name, string unit, string against, double? required, IReadOnlyList<double> ours, IReadOnlyList<double> other) => new()
    {
        Name = name,
        Unit = unit,
        Against = against,
        Required = required,
        Ours = Median(ours),
        Other = Median(other),
        Ratio = Median([.. ours.Zip(other, (left, right) => left / right)]),
        Rounds = ours.Count,
    };

    public static double Median(IReadOnlyList<double> values)
    {
        var ordered = values.Order().ToArray();
        return ordered.Length % 2 == 1 ? ordered[ordered.Length / 2] : (ordered[(ordered.Length / 2) - 1] + ordered[ordered.Length / 2]) / 2;
    }

    /// <summary>Prints comparisons as one JSON object a line, or as a table.</summary>
    public static void Print(IEnumerable<Comparison> comparisons, bool asJson)
    {
        if (asJson)
        {
            foreach (var comparison in comparisons)
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(comparison, Json));
            }

            return;
        }

        var all = comparisons.ToArray();
        var withBubbles = all.Any(it => it.Bubble is not null);
        var table = new Table().AddColumns("measurement", "ours", "other", "ratio", "asked for", "against");
        if (withBubbles)
        {
            table.AddColumns("bubble", "formula");
        }

        foreach (var it in all)
        {
            string[] cells = [Markup.Escape(it.Name), Value(it.Ours, it.Unit), Value(it.Other, it.Unit), $"{it.Ratio:0.000}", it.Required is null ? "" : $"{it.Required:0.00}", Markup.Escape(it.Against)];
            table.AddRow(withBubbles ? [.. cells, Share(it.Bubble), Share(it.Formula)] : cells);
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = WidthWithoutTerminal;
        }

        AnsiConsole.Write(table);
    }

    private static string Value(double value, string unit) => Math.Abs(value) < 1000 ? $"{value:0.##} {unit}" : $"{value:N0} {unit}";

    private static string Share(double? share) => share is { } value ? $"{value * 100:0.0} %" : "";
}
