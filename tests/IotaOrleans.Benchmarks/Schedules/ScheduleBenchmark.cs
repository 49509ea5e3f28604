using System.CommandLine;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Benchmarks.Schedules;

/// <summary>
/// How long a step takes by each schedule, against 1F1B, in logical time with equal costs of forward, input gradient and weight
/// gradient; beside each bubble stands that of the paper's formula.
/// </summary>
internal static class ScheduleBenchmark
{
    private static readonly (int Ranks, int MicroBatches)[] Shapes = [(2, 4), (2, 8), (2, 16), (8, 16)];

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var chunks = new Option<int>("--chunks") { Description = "Model chunks per rank of the interleaved schedule", DefaultValueFactory = _ => 2 };
        var command = new Command("schedule", "Every schedule's simulated step against that of 1F1B") { json, chunks };
        command.SetAction(parsed =>
        {
            var results = Shapes.SelectMany(shape => Enum.GetValues<ScheduleKind>().Select(kind => Simulated(kind, shape.Ranks, shape.MicroBatches, parsed.GetValue(chunks)))).ToList();
            Comparison.Print(results, parsed.GetValue(json));
            return results.TrueForAll(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    private static Comparison Simulated(ScheduleKind kind, int ranks, int microBatches, int chunks)
    {
        var ours = Simulate(kind, ranks, microBatches, kind == ScheduleKind.Interleaved ? chunks : 1);
        var other = Simulate(ScheduleKind.OneForwardOneBackward, ranks, microBatches, 1);
        return Comparison.Of($"{ScheduleNames.Name(kind)}, p={ranks}, m={microBatches}, simulated", "units", "1f1b", null, [ours.Timeline.Makespan], [other.Timeline.Makespan]) with
        {
            Bubble = ours.Timeline.BubbleShare,
            Formula = ours.Published.Share,
        };
    }

    private static (ScheduleTimeline Timeline, PublishedBubble Published) Simulate(ScheduleKind kind, int ranks, int microBatches, int chunks)
    {
        var costs = new ScheduleCosts().PerChunk(chunks);
        return (
            ScheduleSimulator.Run(PipelineSchedule.TrainAll(kind, ranks, microBatches, chunks), costs),
            PipelineSchedule.Bubble(kind, ranks, microBatches, chunks, costs));
    }
}
