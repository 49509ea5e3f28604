using System.CommandLine;
using System.Globalization;
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
        var presets = new Option<string[]>("--preset") { Description = "Models to measure", DefaultValueFactory = _ => ["nano", "tiny"], AllowMultipleArgumentsPerToken = true };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs all sides once, in turn", DefaultValueFactory = _ => 5 };
        var seconds = new Option<double>("--seconds") { Description = "About how long each side trains per round", DefaultValueFactory = _ => 16 };
        var command = new Command("pipeline", "The pipeline against one process and against the ceiling") { json, presets, rounds, seconds };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(presets)!, parsed.GetValue(rounds), parsed.GetValue(seconds));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(IEnumerable<string> presets, int rounds, double seconds)
    {
        var results = new List<Comparison>();
        foreach (var name in presets)
        {
            results.AddRange(await MeasureAsync(ModelPresets.All.Single(preset => preset.Name == name), rounds, seconds));
        }

        return results;
    }

    private static async Task<IReadOnlyList<Comparison>> MeasureAsync(ModelPreset preset, int rounds, double seconds)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var text = await ClusterTraining.WriteTextAsync(folder.FullName);
            var data = Path.Combine(folder.FullName, "data");
            TokenDataSet.Prepare(new DataSourceOptions { Data = text, Tokenizer = "bytes" }, data, preset.ContextLength + 1).Dispose();

            // One short run tells how many steps fill the time.
            var rate = await PlainAsync(preset, data, 1, 8);
            var steps = Math.Max(8, (int)(rate * seconds / (MicroBatches * preset.BatchSize * preset.ContextLength)));
            var cluster = new ClusterTraining { Preset = preset, Text = text, Folder = folder.FullName, Steps = steps, MicroBatches = MicroBatches };
            List<double> one = [], all = [], embedded = [], separate = [], elastic = [], withChecks = [], ceiling = [];
            for (var round = 0; round < rounds; round++)
            {
                one.Add(await PlainAsync(preset, data, 1, steps));
                embedded.Add((await cluster.RunAsync()).TokensPerSecond);
                all.Add(await PlainAsync(preset, data, Environment.ProcessorCount, steps));
                separate.Add((await (cluster with { Silos = 2 }).RunAsync()).TokensPerSecond);
                ceiling.Add((await Task.WhenAll(PlainAsync(preset, data, 1, steps), PlainAsync(preset, data, 1, steps))).Sum());
                elastic.Add((await (cluster with { Mode = TrainingMode.Elastic, More = ["--validation-rate", "0"] }).RunAsync()).TokensPerSecond);
                withChecks.Add((await (cluster with { Mode = TrainingMode.Elastic }).RunAsync()).TokensPerSecond);
                await Console.Error.WriteLineAsync(
                    $"{preset.Name} round {round + 1} of {rounds}: plain {one[^1]:N0} and {all[^1]:N0}, embedded {embedded[^1]:N0}, two silos {separate[^1]:N0}, elastic {elastic[^1]:N0}, with checks {withChecks[^1]:N0}, ceiling {ceiling[^1]:N0} tokens/s");
            }

            var best = Comparison.Median(all) > Comparison.Median(one) ? all : one;
            var name = best == all ? $"one process, {Environment.ProcessorCount} threads" : "one process, 1 thread";
            const string Ceiling = "two processes that exchange nothing";
            return
            [
                Comparison.Of($"{preset.Name}, exact, embedded", "tokens/s", name, 1.12, embedded, best),
                Comparison.Of($"{preset.Name}, exact, two silo processes", "tokens/s", name, 1.05, separate, best),
                Comparison.Of($"{preset.Name}, elastic, embedded", "tokens/s", name, 1.20, elastic, best),
                Comparison.Of($"{preset.Name}, elastic, with checks at the default rate", "tokens/s", "without checks", 0.95, withChecks, elastic),
                Comparison.Of($"{preset.Name}, exact, share of the ceiling", "tokens/s", Ceiling, 0.85, embedded, ceiling),
                Comparison.Of($"{preset.Name}, elastic, share of the ceiling", "tokens/s", Ceiling, 0.92, elastic, ceiling),
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

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
