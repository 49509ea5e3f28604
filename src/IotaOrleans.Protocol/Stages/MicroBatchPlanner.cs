using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Protocol.Stages;

/// <summary>Chooses into how many micro-batches a step is cut.</summary>
public static class MicroBatchPlanner
{
    // What a block costs forward and backward however few tokens it gets, in multiplications: about four milliseconds of dispatch
    // and allocation at fifty billion a second.
    private const double BlockOverhead = 2e8;

    /// <summary>
    /// The number of micro-batches with the shortest step: more of them shrink the pipeline's bubble, (m+p−1) passes of 1/m of the
    /// batch each, but every pass has a fixed cost that small models feel.
    /// </summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="schedule">The schedule: it may not exist for every number.</param>
    /// <param name="stages">Number of stages, or of miners when each holds several.</param>
    /// <param name="batchSize">Sequences per step.</param>
    /// <param name="contextLength">Tokens per sequence.</param>
    /// <param name="replicas">Most miners of a stage: each has micro-batches of its own.</param>
    /// <returns>A divisor of the batch size; one when there is one stage.</returns>
    public static int Choose(ModelConfiguration model, ScheduleKind schedule, int stages, int batchSize, int contextLength, int replicas = 1)
    {
        if (stages == 1 && replicas == 1)
        {
            return 1;
        }

        // Six multiplications per weight and token, forward and backward (Kaplan et al., 2020).
        var weights = (4.0 * model.HiddenSize * model.HiddenSize) + (3.0 * model.HiddenSize * model.IntermediateSize);
        var possible = Enumerable.Range(1, batchSize).Where(count => batchSize % count == 0 && PipelineSchedule.Objection(schedule, stages, count) is null);
        // Work that divides evenly among the replicas, where there is such a number.
        return possible.Where(count => count % replicas == 0).DefaultIfEmpty(possible.LastOrDefault(1))
            .MinBy(count => ((count / (double)replicas) + stages - 1) * (BlockOverhead + (6 * weights * contextLength * batchSize / count)));
    }
}
