using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Host.Plans;

/// <summary>A schedule as one JSON object.</summary>
internal static class ScheduleJson
{
    public static string Line(PipelineShape shape, SchedulePlan plan, IReadOnlyList<(ScheduleKind Kind, SchedulePlan? Plan)> all) => JsonSerializer.Serialize(
        new
        {
            schedule = ScheduleNames.Name(plan.Kind),
            stages = shape.Ranks,
            shape.MicroBatches,
            plan.Chunks,
            costs = new { shape.Costs.Forward, backward = shape.Costs.BackwardInput, weights = shape.Costs.BackwardWeights, shape.Costs.Communication },
            plan.Timeline.Makespan,
            plan.Timeline.Period,
            plan.Timeline.Idle,
            bubble = plan.Timeline.BubbleShare,
            formula = Formula(plan.Published),
            plan.PeakLive,
            ranks = plan.Timeline.Ranks.Select(rank => new
            {
                rank.Rank,
                rank.Busy,
                rank.Idle,
                bubble = rank.BubbleShare,
                peakLive = plan.PeakLiveOf(rank),
                passes = rank.Ops.Select(timed => new { pass = timed.Op.ToString(), timed.Op.Kind, timed.Op.MicroBatch, timed.Op.Chunk, timed.Start, timed.End }),
            }),
            comparison = all.Where(it => it.Plan is not null).Select(it => new
            {
                schedule = ScheduleNames.Name(it.Kind),
                it.Plan!.Chunks,
                it.Plan.Timeline.Makespan,
                it.Plan.Timeline.Period,
                it.Plan.Timeline.Idle,
                bubble = it.Plan.Timeline.BubbleShare,
                formula = Formula(it.Plan.Published),
                it.Plan.PeakLive,
            }),
        },
        RunEventJson.Options);

    private static object Formula(PublishedBubble published) => new { published.Idle, bubble = published.Share, published.Formula, published.Source, published.Unmet };
}
