using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace IotaOrleans.Benchmarks.Measuring;

/// <summary>Two sides of one measurement: medians over rounds that were run in turn, and the median of the rounds' ratios.</summary>
internal sealed record Comparison
{
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

    /// <summary>The most that our own figure may be, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Limit { get; init; }

    public int Rounds { get; init; }

    public bool Passed => (Required is null || Ratio >= Required) && (Limit is null || Ours <= Limit);

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

        var table = new Table().AddColumns("measurement", "ours", "other", "ratio", "asked for", "against");
        static string Figure(double value) => Math.Abs(value) >= 100 ? $"{value:N0}" : $"{value:0.####}";
        foreach (var it in comparisons)
        {
            table.AddRow(Markup.Escape(it.Name), $"{Figure(it.Ours)} {it.Unit}", $"{Figure(it.Other)} {it.Unit}", $"{it.Ratio:0.000}", Asked(it), Markup.Escape(it.Against));
        }

        AnsiConsole.Write(table);
    }

    private static string Asked(Comparison it) =>
        it.Required is { } required ? $"ratio ≥ {required:0.00}" : it.Limit is { } limit ? $"≤ {limit:0.####} {it.Unit}" : "";
}
