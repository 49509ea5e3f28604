using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Benchmarks.Measuring;

namespace IotaOrleans.Benchmarks.Kills;

/// <summary>
/// SIGKILL to the whole cluster or to one of its miners, in each phase, over and over in one run: how soon it trains again, what it has learnt
/// in the end beside a run that nobody disturbed, and whether its books are in order.
/// </summary>
internal static class KillsBenchmark
{
    private const int CheckpointInterval = 10;
    private const int EpochSteps = 15;
    private const int InnerSteps = 5;
    private const double MostSeconds = 30;
    private const double MostLoss = 1.01;

    // Small, so that a run of thousands of steps is a matter of minutes.
    private const string Model = """
        {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 32,
         "vocab_size": 65, "rms_norm_eps": 1e-5, "rope_theta": 10000, "tie_word_embeddings": false, "initializer_range": 0.02}
        """;

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var kills = new Option<int>("--kills") { Description = "Kills in each run", DefaultValueFactory = _ => 50 };
        var seed = new Option<int>("--seed") { Description = "Decides who is killed, and when", DefaultValueFactory = _ => 1 };
        var modes = new Option<string[]>("--modes") { Description = "exact, elastic", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => ["exact", "elastic"] };
        var command = new Command("kills", "Killing the cluster or its miners, in every phase, and what comes of the run") { json, kills, seed, modes };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(kills), parsed.GetValue(seed), parsed.GetValue(modes)!);
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(int kills, int seed, IReadOnlyList<string> modes)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var text = await ClusterTraining.WriteTextAsync(folder.FullName);
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "config.json"), Model);
            var results = new List<Comparison>();
            foreach (var mode in modes)
            {
                results.AddRange(await MeasureAsync(folder.FullName, text, mode, kills, seed));
            }

            return results;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<IReadOnlyList<Comparison>> MeasureAsync(string folder, string text, string mode, int kills, int seed)
    {
        // Each session comes at least one checkpoint further.
        var steps = (kills + 2) * 3 * CheckpointInterval;
        var undisturbed = Loss(await ChildProgram.RunAsync("iota.dll", Train("undisturbed")));
        var random = new Random(seed);
        var seconds = new List<double>();
        var done = new SortedDictionary<string, int>(StringComparer.Ordinal);
        string[] arguments = Train("killed");
        KilledProgram program = KilledProgram.Start(arguments);
        try
        {
            await program.FirstStepAsync();
            for (var kill = 1; kill <= kills; kill++)
            {
                var phase = (Phase)random.Next(Enum.GetValues<Phase>().Length);
                var whole = random.Next(2) == 0;
                await program.WaitForAsync(step => IsIn(phase, step), least: CheckpointInterval + random.Next(CheckpointInterval));
                await Task.Delay(random.Next(30));
                var at = program.Step;
                var name = $"{(whole ? "cluster" : "miner")} {phase.ToString().ToLowerInvariant()}";
                done[name] = done.GetValueOrDefault(name) + 1;
                if (whole)
                {
                    await program.KillAsync();
                    program.Dispose();
                    program = KilledProgram.Start(["train", "--resume", "killed", "--json", "--no-http", "--sample-tokens", "0", "--runs", Path.Combine(folder, mode)]);
                    seconds.Add(await program.FirstStepAsync());
                }
                else
                {
                    seconds.Add(await program.KillMinerAsync(random));
                }

                await Console.Error.WriteLineAsync($"{mode}, kill {kill} of {kills}: {name} at step {at}, step {program.Step} after {seconds[^1]:0.0} s");
            }

            var lines = await program.EndAsync();
            using var findings = JsonDocument.Parse((await ChildProgram.RunAsync("iota.dll", "audit", "killed", "--json", "--runs", Path.Combine(folder, mode)))[^1]);
            var audit = findings.RootElement.GetProperty("findings");
            await Console.Error.WriteLineAsync($"{mode}: {string.Join(", ", done.Select(entry => $"{entry.Key} {entry.Value}"))}");
            return
            [
                Comparison.Of($"{mode}, {kills} kills: longest until it trains again", "s", "the bound", null, [seconds.Max()], [MostSeconds]) with { Limit = MostSeconds },
                Comparison.Of($"{mode}, {kills} kills: validation loss", "nats", "undisturbed", null, [Loss(lines)], [undisturbed]) with { LargestRatio = MostLoss },
                Comparison.Of($"{mode}, {kills} kills: micro-batches lost", "passes", "none", null, [audit.GetProperty("lost").GetInt64()], [0]) with { Ratio = 0, Limit = 0 },
                Comparison.Of($"{mode}, {kills} kills: micro-batches doubled", "passes", "none", null, [audit.GetProperty("doubled").GetInt64()], [0]) with { Ratio = 0, Limit = 0 },
            ];
        }
        finally
        {
            program.Dispose();
        }

        string[] Train(string name) =>
        [
            "train", "--run", name, "--json", "--data", text, "--tokenizer", "characters", "--config", Path.Combine(folder, "config.json"), "--context", "32", "--mode", mode, "--stages", "2",
            "--miners", mode == "exact" ? "2" : "4", "--silos", "2", "--batch-size", "8", "--micro-batches", "4", "--steps", Whole(steps), "--epoch-steps", Whole(EpochSteps), "--inner-steps", Whole(InnerSteps),
            "--checkpoint-interval", Whole(CheckpointInterval), "--evaluation-interval", Whole(steps), "--balance", "computed", "--sample-tokens", "0", "--no-http", "--runs", Path.Combine(folder, mode),
        ];
    }

    /// <summary>Whether what a phase is about begins with a step.</summary>
    private static bool IsIn(Phase phase, long step) => phase switch
    {
        Phase.Merging => step % InnerSteps == 0,
        Phase.Settling => step % EpochSteps == 0,
        Phase.Checkpointing => step % CheckpointInterval == 0,
        _ => true,
    };

    private static double Loss(IReadOnlyList<string> lines)
    {
        using var last = JsonDocument.Parse(lines[^1]);
        return last.RootElement.GetProperty("event").GetString() == "finished"
            ? last.RootElement.GetProperty("validationLoss").GetDouble()
            : throw new InvalidOperationException($"the run did not finish: {lines[^1]}");
    }

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);

    private enum Phase
    {
        Training,
        Merging,
        Settling,
        Checkpointing,
    }
}
