using System.CommandLine;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Wan;

/// <summary>
/// Tokens per second of two stages on two machines as far as the network can tell: two namespaces with a link of limited rate between
/// them, with and without compression, against the same link without a limit.
/// </summary>
internal static class WanBenchmark
{
    private const int MicroBatches = 8;
    private const double AskedShare = 0.9;
    private const int DefaultRate = 80;
    private const int DefaultBottleneck = 4;

    // Only decides how many steps fill the time.
    private const double LikelyTokensPerSecond = 10_000;

    // What a check fetches is as much as many passes send, and it is drawn by lot: it would be measured instead of the passes.
    private static readonly string[] WithoutChecks = ["--validation-rate", "0"];

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var rate = new Option<int>("--rate") { Description = "Rate of the link, in megabits per second each way", DefaultValueFactory = _ => DefaultRate };
        var bottleneck = new Option<int>("--bottleneck") { Description = "Channels of the compressed boundary", DefaultValueFactory = _ => DefaultBottleneck };
        var mode = new Option<TrainingMode>("--mode") { Description = "How the stages work together", DefaultValueFactory = _ => TrainingMode.Elastic };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs all sides once, in turn", DefaultValueFactory = _ => 3 };
        var seconds = new Option<double>("--seconds") { Description = "About how long each side trains per round", DefaultValueFactory = _ => 16 };
        var command = new Command("wan", "Two machines behind a slow link, with and without compression") { json, rate, bottleneck, mode, rounds, seconds };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(rate), parsed.GetValue(bottleneck), parsed.GetValue(mode), parsed.GetValue(rounds), parsed.GetValue(seconds));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static Task<IReadOnlyList<Comparison>> MeasureAsync(int rounds) => MeasureAsync(DefaultRate, DefaultBottleneck, TrainingMode.Elastic, rounds, 16);

    /// <summary>Measures, or says in one line why that cannot be done here.</summary>
    private static async Task<IReadOnlyList<Comparison>> MeasureAsync(int rate, int bottleneck, TrainingMode mode, int rounds, double seconds)
    {
        using var link = ShapedLink.TryCreate(out var reason);
        if (link is null)
        {
            await Console.Error.WriteLineAsync($"skipped: no network namespaces here ({reason})");
            return [];
        }

        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var preset = ModelPresets.Nano;
            var run = new ClusterTraining
            {
                Preset = preset,
                Text = await ClusterTraining.WriteTextAsync(folder.FullName),
                Folder = folder.FullName,
                MicroBatches = MicroBatches,
                Steps = Math.Max(8, (int)(seconds * LikelyTokensPerSecond / (MicroBatches * preset.BatchSize * preset.ContextLength))),
                Mode = mode,
                More = WithoutChecks,
            };
            var compressed = run with { More = [.. WithoutChecks, "--bottleneck", $"{bottleneck}", "--wire", "bf16"] };
            var quantized = run with { More = [.. WithoutChecks, "--wire", "int8"] };
            List<double> free = [], plain = [], eighth = [], narrow = [];
            for (var round = 0; round < rounds; round++)
            {
                free.Add(await RunAsync(link, run));
                link.Limit(rate);
                plain.Add(await RunAsync(link, run));
                eighth.Add(await RunAsync(link, quantized));
                narrow.Add(await RunAsync(link, compressed));
                link.Unlimit();
                await Console.Error.WriteLineAsync(
                    $"round {round + 1} of {rounds}: no limit {free[^1]:N0}, {rate} Mbit/s {plain[^1]:N0}, int8 {eighth[^1]:N0}, bottleneck of {bottleneck} {narrow[^1]:N0} tokens/s");
            }

            const string Free = "no limit, fp32";
            return
            [
                Comparison.Of($"{preset.Name}, {rate} Mbit/s, fp32", "tokens/s", Free, null, plain, free),
                Comparison.Of($"{preset.Name}, {rate} Mbit/s, int8", "tokens/s", Free, null, eighth, free),
                Comparison.Of($"{preset.Name}, {rate} Mbit/s, bottleneck of {bottleneck}, bf16", "tokens/s", Free, AskedShare, narrow, free),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The control silo and the first stage's miner on one side of the link, the second stage's miner on the other.</summary>
    private static async Task<double> RunAsync(ShapedLink link, ClusterTraining run)
    {
        using var control = ChildProgram.StartIn(
            link.Near, "iota.dll", [.. run.Arguments, "--no-http", "--remote-miners", "near,far", "--advertised-address", ShapedLink.NearAddress]);
        using var near = ChildProgram.StartIn(link.Near, "iota.dll", await InvitationAsync(control));
        using var far = ChildProgram.StartIn(link.Far, "iota.dll", await InvitationAsync(control));
        try
        {
            var errors = control.StandardError.ReadToEndAsync();
            List<string> lines = [];
            while (await control.StandardOutput.ReadLineAsync() is { } line)
            {
                lines.Add(line);
            }

            await control.WaitForExitAsync();
            return control.ExitCode == 0 ? run.Read(lines).TokensPerSecond : throw new InvalidOperationException($"the run ended with {control.ExitCode}: {lines.LastOrDefault()} {await errors}");
        }
        finally
        {
            near.Kill();
            far.Kill();
        }
    }

    /// <summary>The arguments of the command that the program asks for.</summary>
    private static async Task<string[]> InvitationAsync(System.Diagnostics.Process control)
    {
        const string Label = "join: iota ";
        while (await control.StandardError.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(Label, StringComparison.Ordinal))
            {
                return line[Label.Length..].Split(' ');
            }
        }

        throw new InvalidOperationException("the program ended before it asked for miners");
    }
}
