using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Swarm;

/// <summary>
/// What many miners learn in elastic mode, and what they send for it: the same run of the real program for several numbers of steps
/// between merges, against exact mode with one miner per stage on the same tokens.
/// </summary>
internal static class SwarmBenchmark
{
    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var data = new Option<string>("--data") { Description = "The text, read as characters", DefaultValueFactory = _ => DataSourceOptions.DotnetDocumentation };
        var steps = new Option<int>("--steps") { Description = "Steps of each run", DefaultValueFactory = _ => (int)ModelPresets.Nano.Steps };
        var miners = new Option<int>("--miners") { Description = "Miners of the elastic runs, on two stages", DefaultValueFactory = _ => 6 };
        var inner = new Option<int[]>("--inner-steps") { Description = "Steps between two merges, one run for each", DefaultValueFactory = _ => [10, 20, 50], AllowMultipleArgumentsPerToken = true };
        var update = new Option<string>("--update") { Description = "How pseudo-gradients travel", DefaultValueFactory = _ => "bf16" };
        var most = new Option<double?>("--most-loss") { Description = "The validation loss that the elastic runs must not exceed" };
        var command = new Command("swarm", "Loss against bytes of many miners in elastic mode, by the steps between merges") { json, data, steps, miners, inner, update, most };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(
                parsed.GetValue(data)!, parsed.GetValue(steps), parsed.GetValue(miners), parsed.GetValue(inner)!, parsed.GetValue(update)!, parsed.GetValue(most));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(string data, int steps, int miners, IReadOnlyList<int> innerSteps, string update, double? mostLoss)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var exact = await TrainAsync("exact mode", []);
            var results = new List<Comparison>();
            foreach (var inner in innerSteps)
            {
                var elastic = await TrainAsync(
                    $"{miners} miners, a merge every {inner} steps",
                    ["--mode", "elastic", "--miners", Whole(miners), "--inner-steps", Whole(inner), "--update", update]);
                results.Add(Comparison.Of($"{miners} miners, H = {inner}: validation loss", "nats", "exact mode, a miner per stage", null, [elastic.Loss], [exact.Loss]) with { Limit = mostLoss });

                // What exact mode with as many replicas sends for merging: every step's gradients, as a ring would, twice (R − 1)/R of the weights.
                var replicas = miners / 2.0;
                var ring = steps * 2 * (replicas - 1) / replicas * elastic.Parameters * sizeof(float) / 2;
                results.Add(Comparison.Of($"{miners} miners, H = {inner}: sent for merging, per miner", "B", "gradients of every step in a ring, fp32", null, [elastic.Updates / (double)miners], [ring]));
                results.Add(Comparison.Of($"{miners} miners, H = {inner}: sent between stages, per miner", "B", "sent for merging", null, [elastic.Activations / (double)miners], [elastic.Updates / (double)miners]));
            }

            return results;

            async Task<SwarmFigures> TrainAsync(string name, string[] more)
            {
                var lines = await ChildProgram.RunAsync(
                    "iota.dll",
                    [
                        "train", "--json", "--data", data, "--tokenizer", "characters", "--preset", ModelPresets.Nano.Name, "--stages", "2", "--steps", Whole(steps),
                        "--sample-tokens", "0", "--no-http", "--runs", Path.Combine(folder.FullName, "runs"), .. more,
                    ]);
                var figures = Read(lines);
                await Console.Error.WriteLineAsync($"{name}: validation loss {figures.Loss:0.0000}, {figures.Updates:N0} B for merging, {figures.Activations:N0} B between stages");
                return figures;
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static SwarmFigures Read(IReadOnlyList<string> lines)
    {
        using var started = JsonDocument.Parse(lines.First(line => line.Contains("\"event\":\"started\"", StringComparison.Ordinal)));
        using var finished = JsonDocument.Parse(lines[^1]);
        var sent = finished.RootElement.GetProperty("sent");
        var counted = sent.ValueKind == JsonValueKind.Object;
        return new SwarmFigures(
            finished.RootElement.GetProperty("validationLoss").GetDouble(),
            counted ? sent.GetProperty("updates").GetInt64() : 0,
            counted ? sent.GetProperty("activations").GetInt64() : 0,
            started.RootElement.GetProperty("parameters").GetInt64());
    }

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>What a run showed.</summary>
    /// <param name="Loss">Validation loss at its end, nats per token.</param>
    /// <param name="Updates">Bytes that all miners sent for merging.</param>
    /// <param name="Activations">Bytes that they sent between stages.</param>
    /// <param name="Parameters">Trainable parameters of the whole model.</param>
    private sealed record SwarmFigures(double Loss, long Updates, long Activations, long Parameters);
}
