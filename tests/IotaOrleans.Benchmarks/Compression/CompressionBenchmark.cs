using System.CommandLine;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Compression;

/// <summary>
/// What compression saves and what it costs in loss: bottlenecks of several widths between two silo processes, and the formats in which
/// replicas exchange their updates. All sides of a comparison train on the same tokens.
/// </summary>
internal static class CompressionBenchmark
{
    private const double AskedSmaller = 128;
    private const double AskedUpdatesSmaller = 140;
    private const double MostLoss = 1.02;
    private const int SettledRatio = 64;

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var data = new Option<string>("--data") { Description = "The text, read as characters", DefaultValueFactory = _ => DataSourceOptions.DotnetDocumentation };
        var ratios = new Option<int[]>("--ratio")
        {
            Description = "Width of the model over that of its bottleneck; 0 leaves the boundaries out",
            DefaultValueFactory = _ => [1, 4, 16, 64, 128],
            AllowMultipleArgumentsPerToken = true,
        };
        var formats = new Option<UpdateFormat[]>("--format")
        {
            Description = "Formats of updates besides Float32",
            DefaultValueFactory = _ => [UpdateFormat.BFloat16, UpdateFormat.Int8, UpdateFormat.TopK],
            AllowMultipleArgumentsPerToken = true,
        };
        var steps = new Option<int>("--steps") { Description = "Steps of each run over a boundary, of 1,024 tokens", DefaultValueFactory = _ => (int)BoundaryTraining.Preset.Steps };
        var inner = new Option<int>("--inner-steps") { Description = "Steps between updates", DefaultValueFactory = _ => 5 };
        var rounds = new Option<int>("--rounds") { Description = "Updates of each run of local training; 0 leaves them out", DefaultValueFactory = _ => 400 };
        var command = new Command("compression", "Loss and bytes of bottlenecks and of update formats") { json, data, ratios, formats, steps, inner, rounds };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(
                parsed.GetValue(data)!,
                [.. parsed.GetValue(ratios)!.Where(ratio => ratio > 0)],
                parsed.GetValue(steps),
                parsed.GetValue(rounds) > 0 ? parsed.GetValue(formats)! : [],
                parsed.GetValue(inner),
                parsed.GetValue(rounds));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    /// <summary>A small default, for a report of everything.</summary>
    public static Task<IReadOnlyList<Comparison>> MeasureAsync() =>
        MeasureAsync(DataSourceOptions.DotnetDocumentation, [4, SettledRatio], 100, [UpdateFormat.Int8, UpdateFormat.TopK], 5, 100);

    private static async Task<IReadOnlyList<Comparison>> MeasureAsync(string text, int[] ratios, int steps, UpdateFormat[] formats, int innerSteps, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var dataFolder = Path.Combine(folder.FullName, "data");
            using var data = TokenDataSet.Prepare(new DataSourceOptions { Data = text, Tokenizer = "characters" }, dataFolder, BoundaryTraining.Preset.ContextLength + 1);
            var results = new List<Comparison>();
            if (ratios.Length > 0)
            {
                var whole = await BoundaryAsync(null, WireFormat.Float32);
                foreach (var ratio in ratios)
                {
                    var width = BoundaryTraining.Preset.HiddenSize / ratio;
                    results.AddRange(Compare(ratio, width, steps, await BoundaryAsync(ratio == 1 ? null : width, WireFormat.BFloat16), whole));
                }
            }

            if (formats.Length > 0)
            {
                // The outer optimizer must not decide a comparison of formats: the largest values are held against the better of both.
                var dense = await UpdatesAsync(UpdateFormat.Float32, new OuterSettings());
                var plain = formats.Contains(UpdateFormat.TopK) ? await UpdatesAsync(UpdateFormat.Float32, OuterSettings.Mean) : dense;
                var best = plain.ValidationLoss < dense.ValidationLoss ? plain : dense;
                foreach (var format in formats)
                {
                    results.AddRange(format == UpdateFormat.TopK
                        ? Compare(format, innerSteps, rounds, await UpdatesAsync(format, OuterSettings.Mean), best)
                        : Compare(format, innerSteps, rounds, await UpdatesAsync(format, new OuterSettings()), dense));
                }
            }

            return results;

            async Task<BoundaryFigures> BoundaryAsync(int? width, WireFormat wire)
            {
                var figures = await BoundaryTraining.RunAsync(data, dataFolder, folder.FullName, width, wire, steps);
                await Console.Error.WriteLineAsync($"boundary of {width ?? BoundaryTraining.Preset.HiddenSize} channels, {wire}: validation loss {figures.ValidationLoss:0.0000}, {figures.BytesPerToken:0.##} B per token");
                return figures;
            }

            async Task<UpdateFigures> UpdatesAsync(UpdateFormat format, OuterSettings settings)
            {
                var figures = await UpdateTraining.RunAsync(ModelPresets.Nano, data, format, settings, innerSteps, rounds);
                await Console.Error.WriteLineAsync($"updates in {format}, outer learning rate {settings.LearningRate}, momentum {settings.Momentum}: validation loss {figures.ValidationLoss:0.0000}, {figures.UpdateBytes:N0} B each");
                return figures;
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static IEnumerable<Comparison> Compare(int ratio, int width, int steps, BoundaryFigures ours, BoundaryFigures whole)
    {
        var tokens = (long)steps * BoundaryTraining.Preset.BatchSize * BoundaryTraining.Preset.ContextLength;
        yield return Of($"d/b = {ratio}, bf16: validation loss after {tokens:N0} tokens", "nats", ours.ValidationLoss, whole.ValidationLoss, ours.ValidationLoss / whole.ValidationLoss) with
        {
            Against = "fp32, no bottleneck",
        };
        yield return Of($"d/b = {ratio}, bf16: activation of {width} channels per token", "B", ours.BytesPerToken, whole.BytesPerToken, whole.BytesPerToken / ours.BytesPerToken) with
        {
            Against = "fp32, no bottleneck; ratio: times smaller",
            Required = ratio == SettledRatio ? AskedSmaller : null,
        };
    }

    private static IEnumerable<Comparison> Compare(UpdateFormat format, int innerSteps, int rounds, UpdateFigures ours, UpdateFigures dense)
    {
        var tokens = (long)UpdateTraining.Replicas * rounds * innerSteps * ModelPresets.Nano.BatchSize * ModelPresets.Nano.ContextLength;
        var isSparse = format == UpdateFormat.TopK;
        yield return Of($"updates in {format}, every {innerSteps} steps: validation loss after {tokens:N0} tokens", "nats", ours.ValidationLoss, dense.ValidationLoss, ours.ValidationLoss / dense.ValidationLoss) with
        {
            Against = isSparse ? "updates in Float32, the better of both outer optimizers" : "updates in Float32",
            LargestRatio = isSparse ? MostLoss : null,
        };
        yield return Of($"updates in {format}: size", "B", ours.UpdateBytes, dense.UpdateBytes, dense.UpdateBytes / (double)ours.UpdateBytes) with
        {
            Against = "updates in Float32; ratio: times smaller",
            Required = isSparse ? AskedUpdatesSmaller : null,
        };
    }

    private static Comparison Of(string name, string unit, double ours, double other, double ratio) => new()
    {
        Name = name,
        Unit = unit,
        Ours = ours,
        Other = other,
        Ratio = ratio,
        Against = "",
        Rounds = 1,
    };
}
