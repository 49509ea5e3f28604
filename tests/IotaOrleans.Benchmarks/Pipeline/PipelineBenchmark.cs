using System.CommandLine;
using System.Globalization;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Benchmarks.Turns;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Benchmarks.Pipeline;

/// <summary>
/// Tokens per second of the cluster with two stages, against the best single process doing the same step by gradient accumulation, and
/// against the ceiling: two processes of one thread each that exchange nothing.
/// </summary>
internal static class PipelineBenchmark
{
    /// <summary>What the reference configuration of the smallest preset's size reads.</summary>
    public const string DefaultTokenizer = TokenizerKinds.Characters;

    public const int DefaultStarts = 3;
    public const int DefaultRounds = 4;

    // Each side is stopped while the others run, and a silo's calls are given up after half a minute.
    public static readonly TimeSpan DefaultSlice = TimeSpan.FromSeconds(4);

    private const int MicroBatches = 8;

    // More than any side makes while it is watched.
    private const int Steps = 1_000_000;

    // Newcomers are checked in their first segment, which is a step here, and in one of twenty until they have passed three checks: reckoned, after
    // 41 steps on average, and in 92 of 100 runs both miners have after a hundred.
    private const int Probation = 100;

    // A run's first steps have large gradients and are clipped (tiny: 23 of the first 35, and none of the next 25), and after a step that was clipped
    // no stage goes ahead of the update: two silos idle for 5 to 6 % of it, of others for 2 %. Runs have thousands of steps.
    private const int Clipped = 40;

    // One check in a hundred steps of a stage is rare: slices long enough that some hold one, and short enough for the calls of who is stopped.
    private const int LongSlice = 4;

    // A step of tiny takes one and a half seconds, and of the ceiling three; elastic miners say once a second how far they are.
    private const double PipelineSlice = 2.5;

    // Caches, and the runtime's compiler.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var presets = new Option<string[]>("--preset") { Description = "Models to measure", DefaultValueFactory = _ => ["nano", "tiny"], AllowMultipleArgumentsPerToken = true };
        var tokenizer = new Option<string>("--tokenizer") { Description = "What the models read: characters, of which the text has 65, or bytes", DefaultValueFactory = _ => DefaultTokenizer };
        tokenizer.AcceptOnlyFromAmong(TokenizerKinds.Characters, TokenizerKinds.Bytes);
        var starts = new Option<int>("--starts") { Description = "How often all sides are started anew", DefaultValueFactory = _ => DefaultStarts };
        var rounds = new Option<int>("--rounds") { Description = "Rounds after each start; each lets all sides run once, in turn", DefaultValueFactory = _ => DefaultRounds };
        var seconds = new Option<double>("--seconds") { Description = "How long each side runs per round, from 1 to 4, where single processes are compared; two and a half times as long where the pipeline is, and four times where checks are", DefaultValueFactory = _ => DefaultSlice.TotalSeconds };
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (>= 1 and <= 4))
            {
                result.AddError("--seconds takes a number from 1 to 4: a side that is stopped for longer than half a minute loses calls");
            }
        });
        var command = new Command("pipeline", "The pipeline against one process and against the ceiling") { json, presets, tokenizer, starts, rounds, seconds };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(presets)!, parsed.GetValue(tokenizer)!, parsed.GetValue(starts), parsed.GetValue(rounds), TimeSpan.FromSeconds(parsed.GetValue(seconds)));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(IEnumerable<string> presets, string tokenizer, int starts, int rounds, TimeSpan slice)
    {
        var results = new List<Comparison>();
        foreach (var name in presets)
        {
            results.AddRange(await MeasureAsync(ModelPresets.All.Single(preset => preset.Name == name), tokenizer, starts, rounds, slice));
        }

        return results;
    }

    private static async Task<IReadOnlyList<Comparison>> MeasureAsync(ModelPreset preset, string tokenizer, int starts, int rounds, TimeSpan slice)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var text = await ClusterTraining.WriteTextAsync(folder.FullName);
            var data = Path.Combine(folder.FullName, "data");
            TokenDataSet.Prepare(new DataSourceOptions { Data = text, Tokenizer = tokenizer }, data, preset.ContextLength + 1).Dispose();

            string[] reading = ["--tokenizer", tokenizer];
            var training = new ClusterTraining { Preset = preset, Text = text, Folder = folder.FullName, Steps = Steps, MicroBatches = MicroBatches, More = reading };
            var elasticTraining = training with { Mode = TrainingMode.Elastic };
            var allThreads = Environment.ProcessorCount;
            Contestant One() => Plain("one thread", preset, data, 1);
            Contestant All() => Plain("all threads", preset, data, allThreads);
            Contestant Ceiling() => Plain("ceiling", preset, data, 1, processes: 2);
            Contestant Exact() => Cluster("exact", training, steadyAfter: Clipped);
            Contestant Separate() => Cluster("two silos", training with { Silos = 2 }, steadyAfter: Clipped);
            Contestant Elastic() => Cluster("elastic", elasticTraining with { More = [.. reading, "--validation-rate", "0"] });
            Contestant Checked() => Cluster("with checks", elasticTraining, steadyAfter: Probation);

            // Few sides at a time: each is stopped while the others run. The fewer they are, the longer each may run, and the less it matters where in
            // a step of seconds a turn begins and ends.
            var single = await RunAsync("one process", slice, One, All);
            var (best, name) = Comparison.Median(single[1]) > Comparison.Median(single[0]) ? ((Func<Contestant>)All, $"one process, {allThreads} threads") : (One, "one process, 1 thread");
            var first = await RunAsync("exact, against one process", PipelineSlice * slice, best, Exact, Separate);
            var second = await RunAsync("elastic, against the ceiling", PipelineSlice * slice, best, Ceiling, Elastic);
            var exact = await RunAsync("exact, against the ceiling", PipelineSlice * slice, Ceiling, Exact);
            var third = await RunAsync("with checks", LongSlice * slice, Elastic, Checked);
            const string Nothing = "two processes that exchange nothing";
            return
            [
                Comparison.Of($"{preset.Name}, exact, embedded", "tokens/s", name, 1.12, first[1], first[0]),
                Comparison.Of($"{preset.Name}, exact, two silo processes", "tokens/s", name, 1.05, first[2], first[0]),
                Comparison.Of($"{preset.Name}, elastic, embedded", "tokens/s", name, 1.20, second[2], second[0]),
                Comparison.OfAll($"{preset.Name}, elastic, with checks at the default rate", "tokens/s", "without checks", 0.95, third[1], third[0]),
                // What the machine itself allows: its cores share more of one physical core at some times than at others.
                Comparison.Of($"{preset.Name}, two processes that exchange nothing", "tokens/s", name, null, second[1], second[0]),
                Comparison.Of($"{preset.Name}, exact, share of the ceiling", "tokens/s", Nothing, 0.85, exact[1], exact[0]),
                Comparison.Of($"{preset.Name}, elastic, share of the ceiling", "tokens/s", Nothing, 0.92, second[2], second[1]),
            ];

            Task<IReadOnlyList<IReadOnlyList<double>>> RunAsync(string what, TimeSpan time, params Func<Contestant>[] sides) =>
                Contest.RunAsync(sides, starts, rounds, time, WarmUp, round => Console.Error.WriteLine($"{preset.Name}, {what}: {round} of {starts * rounds} rounds"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Contestant Cluster(string name, ClusterTraining training, int steadyAfter = 0) => new Contestant(name, steadyAfter * (double)training.TokensPerStep).With(
        "iota.dll",
        training.Arguments,
        line => FinishedStep.Parse(line) is { } step ? (step.At, step.Step * (double)training.TokensPerStep) : null);

    private static Contestant Plain(string name, ModelPreset preset, string data, int threads, int processes = 1) => Enumerable.Range(0, processes).Aggregate(
        new Contestant(name),
        (contestant, _) => contestant.With(
            "IotaOrleans.Benchmarks.dll",
            [PlainProcess.Name, "--preset", preset.Name, "--data", data, "--threads", Text(threads), "--micro-batches", Text(MicroBatches)],
            PlainProcess.Parse));

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
