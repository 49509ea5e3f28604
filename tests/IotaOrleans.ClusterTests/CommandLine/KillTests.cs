using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>
/// SIGKILL to the whole cluster, to its control silo alone or to a miner's silo, in every phase, over and over in one run: it trains again
/// soon, by itself or by the command that started it, learns what a run learns that nobody disturbs, and its books are in order.
/// </summary>
[Collection(ProgramGroup.Name)]
public sealed class KillTests(ProgramFolder folder, ITestOutputHelper output) : IClassFixture<ProgramFolder>
{
    private const int CheckpointInterval = 10;
    private const int EpochSteps = 15;
    private const int InnerSteps = 5;
    private const int Stages = 2;
    private const double LargestLossRatio = 1.01;
    private static readonly TimeSpan SoonEnough = TimeSpan.FromSeconds(30);

    // Small, so that a run of thousands of steps is a matter of minutes.
    private const string Model = """
        {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 32,
         "vocab_size": 65, "rms_norm_eps": 1e-5, "rope_theta": 10000, "tie_word_embeddings": false, "initializer_range": 0.02}
        """;

    private enum Phase
    {
        Training,
        Uploading,
        Merging,
        Settling,
        Checkpointing,
        Migrating,
    }

    private enum Victim
    {
        Miner,
        Control,
        Cluster,
    }

    // A hundred in all. The steps are about twice as many as are taken until the last kill.
    [Theory]
    [InlineData("exact", 40, 1600, 1)]
    [InlineData("elastic", 60, 2400, 1)]
    public async Task ARunOutlivesWhoeverIsKilledInWhateverPhase(string mode, int kills, int steps, int seed)
    {
        File.WriteAllText(folder.In("config.json"), Model);
        var undisturbed = await IotaProcess.RunAsync(folder.Path, Train($"undisturbed-{seed}", mode, steps));
        var random = new Random(seed);
        Phase[] phases = mode == "exact" ? [Phase.Training, Phase.Settling, Phase.Checkpointing] : Enum.GetValues<Phase>();
        var lostSinceStart = 0;
        var program = IotaProcess.Start(folder.Path, Train($"killed-{seed}", mode, steps));
        try
        {
            await program.WaitForAsync("step");
            for (var kill = 0; kill < kills; kill++)
            {
                // In turn, so that every phase has its share; whose turn it is to die is drawn.
                var phase = phases[kill % phases.Length];
                var victim = DrawVictim(phase, random);
                var at = await UntilAsync(program, phase, least: CheckpointInterval + random.Next(CheckpointInterval));
                if (phase == Phase.Migrating)
                {
                    // Its silo is started again, and it fetches its stage: somewhere on that way the rest dies as well.
                    IotaProcess.Signal(Drawn(program.Children(), random), IotaProcess.KillNow);
                    // Unless it was the last one: then the run begins again at its checkpoint.
                    await program.WaitForAnyAsync("members", "started");
                }

                await Task.Delay(MostDelay(phase) * random.NextDouble());
                var clock = Stopwatch.StartNew();
                if (victim == Victim.Miner)
                {
                    IotaProcess.Signal(Drawn(program.Children(), random), IotaProcess.KillNow);
                    lostSinceStart++;
                    await TrainsAgainAsync(program, at);
                }
                else
                {
                    var leftBehind = victim == Victim.Control ? program.Children() : [];
                    program.Kill(withChildren: victim == Victim.Cluster);
                    program.Dispose();
                    // As a supervisor does: the command that started it.
                    lostSinceStart = 0;
                    program = IotaProcess.Start(folder.Path, [.. Train($"killed-{seed}", mode, steps), "--continue"]);
                    await program.WaitForAsync("step");
                    leftBehind.Should().NotContain(miner => IotaProcess.IsRunning(miner), "a miner whose control silo is gone ends by itself");
                }

                output.WriteLine($"{kill + 1}: {victim} {phase} at step {at}: trains again after {clock.Elapsed.TotalSeconds:0.0} s");
                clock.Elapsed.Should().BeLessThan(SoonEnough, $"kill {kill + 1} with seed {seed} was that of a {victim}, {phase}, at step {at}");
            }

            var result = await program.EndAsync();

            result.ExitCode.Should().Be(0, result.ToString());
            output.WriteLine($"validation loss {Loss(result)}, undisturbed {Loss(undisturbed)}");
            if (mode == "exact")
            {
                Loss(result).Should().Be(Loss(undisturbed));
            }
            else
            {
                (Loss(result) / Loss(undisturbed)).Should().BeLessThan(LargestLossRatio);
                // All replicas of a stage end a merge with the same hash, or it fails: one that lost a miner in the middle of it may, and those that follow do not.
                var merges = Events(result, "merge").Select(merge => merge.GetProperty("report")).ToArray();
                merges.Count(merge => Outcome(merge) != "merged").Should().BeLessThanOrEqualTo(Stages * lostSinceStart);
                merges.GroupBy(merge => merge.GetProperty("merge").GetProperty("stage").GetInt32()).Should().HaveCount(Stages).And.OnlyContain(stage => Outcome(stage.Last()) == "merged");
            }

            var audit = await IotaProcess.RunAsync(folder.Path, "audit", $"killed-{seed}-{mode}", "--json");
            output.WriteLine(audit.Text);
            audit.ExitCode.Should().Be(0, audit.ToString());
            var findings = JsonDocument.Parse(audit.Output[^1]).RootElement.GetProperty("findings");
            (findings.GetProperty("lost").GetInt64(), findings.GetProperty("doubled").GetInt64()).Should().Be((0, 0));
            (findings.GetProperty("backwardPasses").GetInt64() + findings.GetProperty("forfeited").GetInt64()).Should().Be(2 * 4 * steps, "that is every micro-batch through both stages");
            var replayed = await IotaProcess.RunAsync(folder.Path, "replay", $"killed-{seed}-{mode}");
            output.WriteLine(replayed.Text);
            replayed.ExitCode.Should().Be(0, replayed.ToString());
        }
        finally
        {
            program.Dispose();
        }
    }

    /// <summary>Half of them are miners; who goes while a miner comes back is always the control silo, with or without the rest.</summary>
    private static Victim DrawVictim(Phase phase, Random random) => random.Next(phase == Phase.Migrating ? 2 : 4) switch
    {
        0 => Victim.Cluster,
        1 => Victim.Control,
        _ => Victim.Miner,
    };

    private static string[] Train(string name, string mode, int steps) => ProgramFolder.Train(
        $"{name}-{mode}", "--tokenizer", "characters", "--config", "config.json", "--mode", mode, "--stages", "2", "--miners", mode == "exact" ? "2" : "4", "--silos", "2",
        "--batch-size", "8", "--micro-batches", "4", "--steps", Whole(steps), "--epoch-steps", Whole(EpochSteps), "--inner-steps", Whole(InnerSteps),
        "--checkpoint-interval", Whole(CheckpointInterval), "--evaluation-interval", Whole(steps), "--balance", "computed", "--sample-tokens", "0", "--no-http");

    /// <summary>Waits for a step with which a phase begins, at least so many from now.</summary>
    private static async Task<long> UntilAsync(IotaProcess program, Phase phase, int least)
    {
        for (var seen = 1; ; seen++)
        {
            var step = (await program.WaitForAsync("step")).GetProperty("step").GetInt64();
            if (seen >= least && phase switch
            {
                Phase.Uploading or Phase.Merging => step % InnerSteps == 0,
                Phase.Settling => step % EpochSteps == 0,
                Phase.Checkpointing => step % CheckpointInterval == 0,
                _ => true,
            })
            {
                return step;
            }
        }
    }

    /// <summary>How far into a phase the signal comes at most: updates are on their way first, and are merged then.</summary>
    private static TimeSpan MostDelay(Phase phase) => phase switch
    {
        Phase.Uploading => TimeSpan.FromMilliseconds(5),
        Phase.Migrating => TimeSpan.FromSeconds(3),
        _ => TimeSpan.FromMilliseconds(30),
    };

    /// <summary>Waits for a step that was begun after a miner was lost: those under way come through all the same.</summary>
    private static async Task TrainsAgainAsync(IotaProcess program, long before)
    {
        for (var begun = DateTimeOffset.UtcNow; ;)
        {
            var step = await program.WaitForAsync("step");
            var at = step.GetProperty("at").GetDateTimeOffset();
            if (at > begun.AddSeconds(1) || (at > begun && step.GetProperty("step").GetInt64() <= before))
            {
                return;
            }
        }
    }

    private static int Drawn(int[] processes, Random random) => processes.Order().ElementAt(random.Next(processes.Length));

    private static string? Outcome(JsonElement report) => report.GetProperty("outcome").GetProperty("kind").GetString();

    private static double Loss(IotaResult result) => Events(result, "finished").Single().GetProperty("validationLoss").GetDouble();

    private static IEnumerable<JsonElement> Events(IotaResult result, string name) => result.Events().Where(line => line.GetProperty("event").GetString() == name);

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);
}
