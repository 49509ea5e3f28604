using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Host.Plans;

/// <summary>One schedule in one shape, simulated.</summary>
/// <param name="Kind">The schedule.</param>
/// <param name="Chunks">Model chunks per rank.</param>
/// <param name="Timeline">The simulated step.</param>
/// <param name="Published">The bubble by the paper's formula.</param>
internal sealed record SchedulePlan(ScheduleKind Kind, int Chunks, ScheduleTimeline Timeline, PublishedBubble Published)
{
    /// <summary>The most activations alive on any rank, counted in micro-batches over the whole rank, so that chunks compare with ranks.</summary>
    public double PeakLive => Timeline.PeakLive / (double)Chunks;

    public int Passes => Timeline.Ranks.Sum(rank => rank.Ops.Length);

    public double PeakLiveOf(RankTimeline rank) => rank.PeakLive / (double)Chunks;

    /// <summary>Simulates a schedule, or returns null when it does not exist in that shape.</summary>
    /// <param name="kind">The schedule.</param>
    /// <param name="shape">The pipeline.</param>
    public static SchedulePlan? Of(ScheduleKind kind, PipelineShape shape)
    {
        var chunks = shape.ChunksOf(kind);
        if (PipelineSchedule.Objection(kind, shape.Ranks, shape.MicroBatches, chunks) is not null)
        {
            return null;
        }

        var costs = shape.Costs.PerChunk(chunks);
        return new SchedulePlan(
            kind,
            chunks,
            ScheduleSimulator.Run(PipelineSchedule.TrainAll(kind, shape.Ranks, shape.MicroBatches, chunks), costs, PipelineSchedule.OverlapsSteps(kind)),
            PipelineSchedule.Bubble(kind, shape.Ranks, shape.MicroBatches, chunks, costs));
    }
}
