using System.CommandLine;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Schedules;

/// <summary>
/// How long a step takes by each schedule, against 1F1B, in logical time with equal costs of forward, input gradient and weight
/// gradient; beside each bubble stands that of the paper's formula.
/// </summary>
internal static class ScheduleBenchmark
{
    // Only decides how many steps fill the time.
    private const double LikelyTokensPerSecond = 10_000;

    private const int LiveRanks = 2;

    // The first few dozen steps are all clipped. ZB-H2 and ZB-2p go ahead of their update only where gradients are not, and their formulas are of such steps.
    private static readonly string[] Unclipped = ["--gradient-clip", "0"];

    private static readonly (int Ranks, int MicroBatches)[] Shapes = [(2, 4), (2, 8), (2, 16), (8, 16)];

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var chunks = new Option<int>("--chunks") { Description = "Model chunks per rank of the interleaved schedule", DefaultValueFactory = _ => 2 };
        var live = new Option<bool>("--live") { Description = "Also train with each schedule and measure its bubble", DefaultValueFactory = _ => true };
        var seconds = new Option<double>("--seconds") { Description = "About how long each live run trains", DefaultValueFactory = _ => 10 };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; each trains once with every schedule", DefaultValueFactory = _ => 3 };
        var command = new Command("schedule", "Every schedule's simulated step against that of 1F1B, and measured bubbles against the formulas") { json, chunks, live, seconds, rounds };
        command.SetAction(async (parsed, _) =>
        {
            var results = Simulated(parsed.GetValue(chunks)).ToList();
            if (parsed.GetValue(live))
            {
                results.AddRange(await LiveAsync(parsed.GetValue(seconds), parsed.GetValue(rounds)));
            }

            Comparison.Print(results, parsed.GetValue(json));
            return results.TrueForAll(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static IEnumerable<Comparison> Simulated(int chunks) =>
        Shapes.SelectMany(shape => Enum.GetValues<ScheduleKind>().Select(kind => Simulated(kind, shape.Ranks, shape.MicroBatches, chunks)));

    /// <summary>Trains with two stages and measures how long the miners idle.</summary>
    public static async Task<IReadOnlyList<Comparison>> LiveAsync(double seconds, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var text = await ClusterTraining.WriteTextAsync(folder.FullName);
            var bubbles = new Dictionary<(ScheduleKind Kind, int MicroBatches), List<ClusterFigures>>();
            for (var round = 0; round < rounds; round++)
            {
                foreach (var (_, microBatches) in Shapes.Where(shape => shape.Ranks == LiveRanks))
                {
                    foreach (var kind in Enum.GetValues<ScheduleKind>())
                    {
                        var preset = ModelPresets.Nano;
                        var tokens = microBatches * preset.BatchSize * preset.ContextLength;
                        var steps = Math.Max(12, (int)(seconds * LikelyTokensPerSecond / tokens));
                        var run = new ClusterTraining { Preset = preset, Text = text, Folder = folder.FullName, Steps = steps, MicroBatches = microBatches, Schedule = kind, More = Unclipped };
                        var figures = await run.RunAsync();
                        await Console.Error.WriteLineAsync($"{ScheduleNames.Name(kind)}, m={microBatches}: {figures.Bubble * 100:0.0} % idle, {figures.ScheduledBubble * 100:0.0} % by the formula");
                        bubbles.TryAdd((kind, microBatches), []);
                        bubbles[(kind, microBatches)].Add(figures);
                    }
                }
            }

            return [.. bubbles.Select(entry => Live(entry.Key.Kind, entry.Key.MicroBatches, entry.Value))];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Comparison Live(ScheduleKind kind, int microBatches, IReadOnlyList<ClusterFigures> rounds)
    {
        var comparison = Comparison.Of(
            $"{ScheduleNames.Name(kind)}, p={LiveRanks}, m={microBatches}, live bubble",
            "% idle",
            "the formula, with measured costs",
            null,
            [.. rounds.Select(round => round.Bubble * 100)],
            [.. rounds.Select(round => round.ScheduledBubble * 100)]);
        // In points of a percent.
        return comparison with { Tolerance = 5, Bubble = comparison.Ours / 100, Formula = comparison.Other / 100 };
    }

    private static Comparison Simulated(ScheduleKind kind, int ranks, int microBatches, int chunks)
    {
        var ours = Simulate(kind, ranks, microBatches, kind == ScheduleKind.Interleaved ? chunks : 1);
        var other = Simulate(ScheduleKind.OneForwardOneBackward, ranks, microBatches, 1);
        return Comparison.Of($"{ScheduleNames.Name(kind)}, p={ranks}, m={microBatches}, simulated", "units", "1f1b", null, [ours.Timeline.Period], [other.Timeline.Period]) with
        {
            Bubble = ours.Timeline.BubbleShare,
            Formula = ours.Published.Share,
        };
    }

    private static (ScheduleTimeline Timeline, PublishedBubble Published) Simulate(ScheduleKind kind, int ranks, int microBatches, int chunks)
    {
        var costs = new ScheduleCosts().PerChunk(chunks);
        return (
            ScheduleSimulator.Run(PipelineSchedule.TrainAll(kind, ranks, microBatches, chunks), costs, PipelineSchedule.OverlapsSteps(kind)),
            PipelineSchedule.Bubble(kind, ranks, microBatches, chunks, costs));
    }
}
