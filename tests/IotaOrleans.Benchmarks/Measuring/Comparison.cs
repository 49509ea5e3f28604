using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace IotaOrleans.Benchmarks.Measuring;

/// <summary>Two sides of one measurement: medians over rounds that were run in turn, and the median of the rounds' ratios.</summary>
internal sealed record Comparison
{
    private const int WidthWithoutTerminal = 160;

    // A formula may say that nothing is idle: then the ratio is no number.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public required string Name { get; init; }

    public required string Unit { get; init; }

    public required double Ours { get; init; }

    public required double Other { get; init; }

    public required double Ratio { get; init; }

    /// <summary>What the other side is.</summary>
    public required string Against { get; init; }

    /// <summary>The ratio that is asked for, or null.</summary>
    public double? Required { get; init; }

    /// <summary>The most that our own figure may be, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Limit { get; init; }

    /// <summary>The most that the ratio may be, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LargestRatio { get; init; }

    /// <summary>The most that the two figures may differ, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Tolerance { get; init; }

    public int Rounds { get; init; }

    /// <summary>For schedules: our side's idle share of the step.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Bubble { get; init; }

    /// <summary>For schedules: the idle share by the paper's formula.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Formula { get; init; }

    public bool Passed => (Required is null || Ratio >= Required)
        && (Limit is null || Ours <= Limit)
        && (LargestRatio is null || Ratio <= LargestRatio)
        && (Tolerance is null || Math.Abs(Ours - Other) <= Tolerance);

    /// <summary>What is asked for, as a person reads it.</summary>
    [JsonIgnore]
    public string Asked => string.Join(", ", new[]
    {
        Required is { } least ? $"ratio ≥ {least:0.00}" : null,
        LargestRatio is { } most ? $"ratio ≤ {most:0.00}" : null,
        Limit is { } limit ? $"≤ {limit:0.##} {Unit}" : null,
        Tolerance is { } tolerance ? $"± {tolerance:0.##}" : null,
    }.Where(text => text is not null));

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

    /// <summary>The same of whole rounds together: where something rare counts too, which the median round does not hold.</summary>
    public static Comparison OfAll(string name, string unit, string against, double? required, IReadOnlyList<double> ours, IReadOnlyList<double> other) =>
        Of(name, unit, against, required, ours, other) with { Ours = ours.Average(), Other = other.Average(), Ratio = ours.Sum() / other.Sum() };

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
            string[] cells = [Markup.Escape(it.Name), Value(it.Ours, it.Unit), Value(it.Other, it.Unit), $"{it.Ratio:0.000}", it.Asked, Markup.Escape(it.Against)];
            table.AddRow(withBubbles ? [.. cells, Share(it.Bubble), Share(it.Formula)] : cells);
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = WidthWithoutTerminal;
        }

        AnsiConsole.Write(table);
    }

    /// <summary>The same figures as a Markdown table.</summary>
    public static string ToMarkdown(IEnumerable<Comparison> comparisons)
    {
        var lines = comparisons.Select(it =>
            $"| {it.Name} | {Value(it.Ours, it.Unit)} | {Value(it.Other, it.Unit)} | {it.Ratio:0.000} | {it.Asked} | {(it.Asked.Length == 0 ? "" : it.Passed ? "met" : "missed")} | {it.Against} |");
        return string.Join('\n', ["| measurement | ours | other | ratio | asked for | | against |", "|---|---:|---:|---:|---|---|---|", .. lines]);
    }

    private static string Value(double value, string unit) => Math.Abs(value) < 1000 ? $"{value:0.##} {unit}" : $"{value:N0} {unit}";

    private static string Share(double? share) => share is { } value ? $"{value * 100:0.0} %" : "";
}
