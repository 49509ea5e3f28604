using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Runs;

/// <summary>The run's plan: which work orders follow each other. Every shard works through the same plan in the same order.</summary>
public static class WorkPlan
{
    /// <summary>The orders of one step: the step itself, then an evaluation and a snapshot where the intervals ask for them.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="step">The step, from one.</param>
    /// <param name="sequence">Sequence number of the first order.</param>
    public static ImmutableArray<WorkOrder> ForStep(TrainingRunSpecification specification, long step, long sequence)
    {
        var epoch = EpochOf(specification, step);
        var orders = ImmutableArray.CreateBuilder<WorkOrder>(3);
        orders.Add(new WorkOrder
        {
            Sequence = sequence,
            Kind = WorkKind.Train,
            Step = step,
            Epoch = epoch,
            LearningRate = LearningRateSchedule.At(specification.Optimizer, step, specification.Steps),
        });

        var last = step == specification.Steps;
        if (last || step % specification.EvaluationInterval == 0)
        {
            orders.Add(new WorkOrder { Sequence = sequence + orders.Count, Kind = WorkKind.Evaluate, Step = step, Epoch = epoch });
        }

        if (last || step % specification.CheckpointInterval == 0)
        {
            orders.Add(new WorkOrder { Sequence = sequence + orders.Count, Kind = WorkKind.Snapshot, Step = step, Epoch = epoch });
        }

        return orders.ToImmutable();
    }

    /// <summary>The reward epoch that a step counts for, from zero.</summary>
    public static int EpochOf(TrainingRunSpecification specification, long step) => checked((int)((step - 1) / specification.EpochSteps));

    /// <summary>Whether a step is the last of its reward epoch.</summary>
    public static bool EndsEpoch(TrainingRunSpecification specification, long step) =>
        step == specification.Steps || step % specification.EpochSteps == 0;
}
