using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// The schedule of a pipeline with several miners per stage. With equally many everywhere, pipelines run side by side and each follows
/// the schedule as it was published. With different numbers there are no separate pipelines: the programs are what a simulation of the
/// step recorded, so they can be run as they were recorded and nobody waits in a circle.
/// </summary>
public static class ReplicaSchedule
{
    /// <summary>The passes of one miner in one training step.</summary>
    /// <param name="kind">The schedule; not the interleaved one.</param>
    /// <param name="replicas">Miners of each stage, in stage order.</param>
    /// <param name="microBatches">Micro-batches per step.</param>
    /// <param name="stage">The miner's stage.</param>
    /// <param name="replica">Which of the stage's miners, from zero.</param>
    /// <exception cref="ArgumentException">The schedule does not exist in this shape; see <see cref="Objection"/>.</exception>
    public static ImmutableArray<StageOp> Train(ScheduleKind kind, ImmutableArray<int> replicas, int microBatches, int stage, int replica)
    {
        if (Objection(kind, replicas, microBatches) is { } objection)
        {
            throw new ArgumentException(objection);
        }

        var count = replicas[stage];
        ArgumentOutOfRangeException.ThrowIfNegative(replica);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(replica, count);
        var own = ReplicaWork.Count(microBatches, count, replica);
        if (own == 0)
        {
            return [];
        }

        return replicas.All(other => other == count)
            ? [.. PipelineSchedule.Train(kind, stage, replicas.Length, own).Select(op => op with { MicroBatch = ReplicaWork.MicroBatchOf(op.MicroBatch, count, replica) })]
            : ReplicaScheduler.Run(kind, replicas, microBatches)[stage][replica];
    }

    /// <summary>Why a schedule does not exist with these replicas, as a line for a person, or null when it does.</summary>
    public static string? Objection(ScheduleKind kind, ImmutableArray<int> replicas, int microBatches)
    {
        if (PipelineSchedule.Objection(kind, replicas.Length, microBatches) is { } objection)
        {
            return objection;
        }

        return replicas.Any(count => count < 1) ? "each stage needs a miner"
            : kind == ScheduleKind.Interleaved && replicas.Any(count => count > 1) ? "the interleaved schedule has one miner per stage: choose another one, or fewer --miners"
            : null;
    }

    /// <summary>
    /// The most micro-batches that a miner holds activations of: as many as in a pipeline that has only the miner's own micro-batches.
    /// See <see cref="PipelineSchedule.MostLive"/>.
    /// </summary>
    public static int MostLive(ScheduleKind kind, ImmutableArray<int> replicas, int microBatches, int stage, int replica) =>
        PipelineSchedule.MostLive(kind, stage, replicas.Length, ReplicaWork.Count(microBatches, replicas[stage], replica));

    /// <summary>The most micro-batches that a miner has forwarded and not yet begun to run backward. See <see cref="PipelineSchedule.LiveBeforeBackward"/>.</summary>
    public static int LiveBeforeBackward(ScheduleKind kind, ImmutableArray<int> replicas, int microBatches, int stage, int replica) =>
        PipelineSchedule.LiveBeforeBackward(kind, stage, replicas.Length, ReplicaWork.Count(microBatches, replicas[stage], replica));

    /// <summary>
    /// The idle share of all miners' time by the schedule's formula: the stage with the fewest miners sets the pace, and what others have
    /// more of waits for it.
    /// </summary>
    /// <param name="specification">The run.</param>
    /// <param name="costs">Times of one piece.</param>
    public static double BubbleShare(TrainingRunSpecification specification, ScheduleCosts costs)
    {
        var fewest = specification.Miners.Min(miners => miners.Length);
        var perPipeline = ReplicaWork.Count(specification.MicroBatches, fewest, 0);
        var bubble = PipelineSchedule.Bubble(specification.Schedule, specification.Ranks, perPipeline, specification.Chunks, costs);
        var work = specification.Chunks * costs.Both;
        return 1 - (specification.Ranks * specification.MicroBatches * work / (specification.Miners.Take(specification.Ranks).Sum(miners => miners.Length) * ((perPipeline * work) + bubble.Idle)));
    }
}
