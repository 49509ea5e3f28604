using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Adversaries;

/// <summary>
/// Swarms with cheats, as real runs of the program with its default checks: when each is found, what it is paid from then on, whether an honest
/// miner suffers, and what the run learns beside one without cheats.
/// </summary>
internal static class AdversariesBenchmark
{
    private const int EpochSteps = 25;
    private const double MostPaid = 0.05;
    private const double MostLoss = 1.02;

    /// <summary>One block of 32 in each stage: checks do not depend on the size, and twenty seeds of sixteen kinds are 320 runs.</summary>
    private const string Model = """
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 256, "hidden_size": 32, "intermediate_size": 88, "num_hidden_layers": 2,
          "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000, "tie_word_embeddings": false
        }
        """;

    /// <summary>The rehearsed cheats, what ends them, and the epochs within which that is so.</summary>
    private static readonly (string Kind, Ending Ending, int Epochs)[] Kinds =
    [
        // Whoever cheats always does so in its first segment, which is always checked.
        ("free-rider", Ending.AllAreGone, 2), ("echo", Ending.AllAreGone, 2), ("stale-output", Ending.AllAreGone, 2), ("noisy-gradient", Ending.AllAreGone, 2),
        ("scaled-gradient", Ending.AllAreGone, 2), ("sign-flip", Ending.AllAreGone, 2), ("lying-tail", Ending.AllAreGone, 2), ("copycat", Ending.AllAreGone, 2),
        ("false-receipts", Ending.AllAreGone, 2), ("sybil", Ending.AllAreGone, 2), ("no-number", Ending.AllAreGone, 2), ("corrupt-reducer", Ending.AllAreGone, 4), ("slow-walker", Ending.AllAreNamed, 2),
        // The others are a matter of chance: of the lot, and of how much their losses give away.
        ("colluding-pair", Ending.OneStageIsGone, 24), ("rare-cheat", Ending.AllAreGone, 12), ("unobserved", Ending.AllAreGone, 12),
    ];

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var data = new Option<string>("--data") { Description = "The text, read as characters", DefaultValueFactory = _ => DataSourceOptions.DotnetDocumentation };
        var cheats = new Option<int>("--cheats") { Description = "Cheats among the ten miners", DefaultValueFactory = _ => 3 };
        var seeds = new Option<int>("--seeds") { Description = "Runs of each kind, each with another seed", DefaultValueFactory = _ => 1 };
        var firstSeed = new Option<int>("--first-seed") { Description = "The first of the seeds", DefaultValueFactory = _ => 1 };
        var noOverhead = new Option<bool>("--no-overhead") { Description = "Do not measure what checks cost" };
        var kinds = new Option<string[]>("--kinds") { Description = "Kinds of cheats", DefaultValueFactory = _ => [.. Kinds.Select(kind => kind.Kind)], AllowMultipleArgumentsPerToken = true };
        kinds.AcceptOnlyFromAmong([.. Kinds.Select(kind => kind.Kind)]);
        var command = new Command("adversaries", "Who cheats, when it is found, and what it costs") { json, data, cheats, seeds, firstSeed, noOverhead, kinds };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(
                parsed.GetValue(data)!, parsed.GetValue(cheats), [.. Enumerable.Range(parsed.GetValue(firstSeed), parsed.GetValue(seeds))], parsed.GetValue(kinds)!, !parsed.GetValue(noOverhead));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(string data, int cheats, IReadOnlyList<int> seeds, IReadOnlyList<string> kinds, bool measuresOverhead)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var model = Path.Combine(folder.FullName, "config.json");
            await File.WriteAllTextAsync(model, Model);
            var results = new List<Comparison>();
            if (measuresOverhead)
            {
                results.Add(await MeasureChecksAsync());
            }

            var honest = new Dictionary<int, IReadOnlyList<SwarmFigures>>();
            foreach (var (kind, ending, limit) in Kinds.Where(known => kinds.Contains(known.Kind)))
            {
                // Long enough to find them and to learn without them.
                var steps = Math.Max(8, limit + 4) * EpochSteps;
                if (!honest.TryGetValue(steps, out var clean))
                {
                    honest[steps] = clean = await TrainAllAsync("nobody", Ending.AllAreGone, steps, []);
                    results.Add(Comparison.Of($"nobody cheats, {steps} steps: miners punished", "miners", "none", null, [clean.Sum(run => run.HonestPunished.Count)], [0]) with { Ratio = 0, Limit = 0 });
                }

                // One stage has few miners: at most two of five lie about their losses.
                var count = kind == "lying-tail" ? Math.Min(2, cheats) : cheats;
                var runs = await TrainAllAsync(kind, ending, steps, ["--adversary", $"{kind}:{Whole(count)}"]);
                results.Add(Comparison.Of($"{kind}: epochs until {Describe(ending)}", "epochs", "the bound", null, [runs.Max(run => run.EpochsUntilFound)], [limit]) with { Limit = limit });
                results.Add(Comparison.Of($"{kind}: pay once found", "units", "an honest miner's", null, [.. runs.Select(run => run.PaidToFound)], [.. runs.Select(run => run.PaidToHonest)]) with
                {
                    // Not the median: none of them may be paid more.
                    Ratio = runs.Max(run => run.PaidToFound / run.PaidToHonest),
                    LargestRatio = MostPaid,
                });
                results.Add(Comparison.Of($"{kind}: honest miners punished", "miners", "none", null, [runs.Sum(run => run.HonestPunished.Count)], [0]) with { Ratio = 0, Limit = 0 });
                results.Add(Comparison.Of($"{kind}: validation loss", "nats", "nobody cheats", null, [.. runs.Select(run => run.Loss)], [.. clean.Select(run => run.Loss)]) with { LargestRatio = MostLoss });
            }

            return results;

            // What checks cost beside the work is a matter of the model's size: that is looked at in a preset.
            async Task<Comparison> MeasureChecksAsync()
            {
                var lines = await ChildProgram.RunAsync(
                    "iota.dll",
                    [
                        "train", "--json", "--data", data, "--tokenizer", "characters", "--preset", ModelPresets.Nano.Name, "--mode", "elastic", "--stages", "2", "--miners", "10", "--steps", "800",
                        "--epoch-steps", Whole(EpochSteps), "--inner-steps", "10", "--evaluation-interval", "800", "--sample-tokens", "0", "--no-http", "--runs", Path.Combine(folder.FullName, "runs"),
                    ]);
                var run = SwarmFigures.Read(lines, Ending.AllAreGone, EpochSteps);
                return Comparison.Of("nobody cheats, nano, 800 steps: time of checks", "s", "all work", null, [run.AuditSeconds], [run.BusySeconds]) with { LargestRatio = 0.05 };
            }

            async Task<IReadOnlyList<SwarmFigures>> TrainAllAsync(string kind, Ending ending, int steps, string[] more)
            {
                var runs = new List<SwarmFigures>();
                await using var program = new WarmProgram();
                foreach (var seed in seeds)
                {
                    var lines = await program.RunAsync(
                        [
                            "train", "--json", "--data", data, "--tokenizer", "characters", "--config", model, "--context", "32", "--mode", "elastic", "--stages", "2", "--miners", "10",
                            "--batch-size", "10", "--micro-batches", "10", "--steps", Whole(steps), "--epoch-steps", Whole(EpochSteps), "--inner-steps", "10", "--no-rebalance", "--balance", "computed",
                            "--seed", Whole(seed), "--evaluation-interval", Whole(steps), "--sample-tokens", "0", "--no-http", "--runs", Path.Combine(folder.FullName, "runs"), .. more,
                        ]);
                    var run = SwarmFigures.Read(lines, ending, EpochSteps);
                    runs.Add(run);
                    await Console.Error.WriteLineAsync(
                        $"{kind}, seed {seed}: found {run.Found.Count} ({string.Join(", ", run.Found.Select(found => $"{found.Miner} in epoch {found.Epoch}"))}), {run.HonestPunished.Count} honest{string.Concat(run.HonestPunished.Select(lost => $" ({lost})"))}, {run.Suspected} suspicions, paid {run.PaidToFound:N0} against {run.PaidToHonest:N0} from then on, validation loss {run.Loss:0.0000}");
                }

                return runs;
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Describe(Ending ending) => ending switch
    {
        Ending.OneStageIsGone => "those of one stage are gone",
        Ending.AllAreNamed => "all are named",
        _ => "all are gone",
    };

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);
}
