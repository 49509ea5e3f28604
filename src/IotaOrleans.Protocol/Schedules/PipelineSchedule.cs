using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// A pipeline schedule is data: for each stage the sequence of passes that make up one step. The live cluster follows it,
/// tests check it and drawings show it, all from the same sequence.
/// </summary>
public static class PipelineSchedule
{
    /// <summary>The passes of one stage in one training step.</summary>
    /// <param name="kind">The schedule.</param>
    /// <param name="stage">The stage, from zero.</param>
    /// <param name="stages">Number of stages.</param>
    /// <param name="microBatches">Micro-batches per step.</param>
    public static ImmutableArray<StageOp> Train(ScheduleKind kind, int stage, int stages, int microBatches)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stage);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stage, stages);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(microBatches);

        var warmup = kind == ScheduleKind.GPipe ? microBatches : Math.Min(microBatches, stages - stage);
        var ops = ImmutableArray.CreateBuilder<StageOp>(2 * microBatches);
        for (var forward = 0; forward < warmup; forward++)
        {
            ops.Add(new StageOp(StageOpKind.Forward, forward));
        }

        for (var backward = 0; backward < microBatches; backward++)
        {
            ops.Add(new StageOp(StageOpKind.Backward, backward));
            if (warmup + backward < microBatches)
            {
                ops.Add(new StageOp(StageOpKind.Forward, warmup + backward));
            }
        }

        return ops.MoveToImmutable();
    }

    /// <summary>
    /// Share of a step in which a stage must idle when all passes of all stages take the same time:
    /// (p−1)/(m+p−1) for p stages and m micro-batches (Narayanan et al., 2021, section 2.2).
    /// </summary>
    public static double Bubble(int stages, int microBatches) => (stages - 1) / (double)(microBatches + stages - 1);
}
