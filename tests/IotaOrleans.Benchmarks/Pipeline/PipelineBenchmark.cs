using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Pipeline;

/// <summary>
/// Tokens per second of the cluster with two stages, against the best single process doing the same step by gradient accumulation, and
/// against the ceiling: two processes of one thread each that exchange nothing.
/// </summary>
internal static class PipelineBenchmark
{
    private const int MicroBatches = 8;

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var presets = new Option<string[]>("--preset") { Description = "Models to measure", DefaultValueFactory = _ => ["nano"], AllowMultipleArgumentsPerToken = true };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs all sides once, in turn", DefaultValueFactory = _ => 5 };
        var seconds = new Option<double>("--seconds") { Description = "About how long each side trains per round", DefaultValueFactory = _ => 8 };
        var command = new Command("pipeline", "The pipeline against one process and against the ceiling") { json, presets, rounds, seconds };
        command.SetAction(async (parsed, cancellation) =>
        {
            var results = new List<Comparison>();
            foreach (var name in parsed.GetValue(presets)!)
            {
                results.AddRange(await MeasureAsync(ModelPresets.All.Single(preset => preset.Name == name), parsed.GetValue(rounds), parsed.GetValue(seconds), cancellation));
            }

            Comparison.Print(results, parsed.GetValue(json));
            return results.TrueForAll(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    private static async Task<IReadOnlyList<Comparison>> MeasureAsync(ModelPreset preset, int rounds, double seconds, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var text = Path.Combine(folder.FullName, "text.txt");
            await File.WriteAllTextAsync(text, string.Concat(Enumerable.Range(0, 40_000).Select(i => $"{i} and {i * i % 97} make {i + (i * i % 97)}. ")), cancellation);
            var data = Path.Combine(folder.FullName, "data");
            TokenDataSet.Prepare(new DataSourceOptions { Data = text, Tokenizer = "bytes" }, data, preset.ContextLength + 1, cancellationToken: cancellation).Dispose();

            // One short run tells how many steps fill the time.
            var rate = await PlainAsync(preset, data, 1, 8);
            var steps = Math.Max(8, (int)(rate * seconds / (MicroBatches * preset.BatchSize * preset.ContextLength)));
            List<double> one = [], all = [], embedded = [], separate = [], ceiling = [];
            for (var round = 0; round < rounds; round++)
            {
                one.Add(await PlainAsync(preset, data, 1, steps));
                embedded.Add(await ClusterAsync(preset, text, folder.FullName, 0, steps));
                all.Add(await PlainAsync(preset, data, Environment.ProcessorCount, steps));
                separate.Add(await ClusterAsync(preset, text, folder.FullName, 2, steps));
                ceiling.Add((await Task.WhenAll(PlainAsync(preset, data, 1, steps), PlainAsync(preset, data, 1, steps))).Sum());
                await Console.Error.WriteLineAsync($"{preset.Name} round {round + 1} of {rounds}: plain {one[^1]:N0} and {all[^1]:N0}, embedded {embedded[^1]:N0}, two silos {separate[^1]:N0}, ceiling {ceiling[^1]:N0} tokens/s");
            }

            var best = Comparison.Median(all) > Comparison.Median(one) ? all : one;
            var name = best == all ? $"one process, {Environment.ProcessorCount} threads" : "one process, 1 thread";
            return
            [
                Comparison.Of($"{preset.Name}, embedded", "tokens/s", name, 0.95, embedded, best),
                Comparison.Of($"{preset.Name}, two silo processes", "tokens/s", name, null, separate, best),
                Comparison.Of($"{preset.Name}, embedded, share of the ceiling", "tokens/s", "two processes that exchange nothing", null, embedded, ceiling),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<double> PlainAsync(ModelPreset preset, string data, int threads, int steps)
    {
        var lines = await ChildProgram.RunAsync(
            "IotaOrleans.Benchmarks.dll",
            PlainProcess.Name,
            "--preset", preset.Name,
            "--data", data,
            "--threads", Text(threads),
            "--micro-batches", Text(MicroBatches),
            "--steps", Text(steps));
        return double.Parse(lines[^1], CultureInfo.InvariantCulture);
    }

    /// <summary>Runs the real program and reads its step events.</summary>
    private static async Task<double> ClusterAsync(ModelPreset preset, string text, string folder, int silos, int steps)
    {
        var lines = await ChildProgram.RunAsync(
            "iota.dll",
            "train",
            "--json",
            "--data", text,
            "--preset", preset.Name,
            "--stages", "2",
            "--silos", Text(silos),
            "--batch-size", Text(MicroBatches * preset.BatchSize),
            "--micro-batches", Text(MicroBatches),
            "--steps", Text(steps),
            "--evaluation-sequences", "1",
            "--log-interval", "1",
            "--runs", Path.Combine(folder, "runs"));
        var times = new Dictionary<long, DateTimeOffset>();
        foreach (var line in lines)
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.GetProperty("event").GetString() == "step")
            {
                times[document.RootElement.GetProperty("step").GetInt64()] = document.RootElement.GetProperty("at").GetDateTimeOffset();
            }
        }

        var warmup = PlainProcess.Warmup(steps);
        return (steps - warmup) * (double)MicroBatches * preset.BatchSize * preset.ContextLength / (times[steps] - times[warmup]).TotalSeconds;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
