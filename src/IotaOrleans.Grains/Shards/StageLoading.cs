using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Shards;

/// <summary>Makes a stage ready to train.</summary>
internal static class StageLoading
{
    /// <summary>Creates the stage with the weights that the assignment names. Runs on the lane.</summary>
    public static StageTrainer Load(ShardAssignment assignment)
    {
        var specification = assignment.Specification;
        var trainer = new StageTrainer(specification.Model, specification.Stages[assignment.Stage], specification.Optimizer, specification.Recompute, specification.WireFormat);
        try
        {
            if (assignment.Checkpoint is not null)
            {
                StageLoader.LoadCheckpoint(trainer, specification.Model, assignment.Checkpoint);
            }
            else if (specification.InitialModel is not null)
            {
                StageLoader.LoadWeights(trainer.Parameters, specification.Model, specification.InitialModel);
            }
            else
            {
                ParameterInitializer.Initialize(trainer.Parameters, specification.Model, specification.Seed);
            }

            return trainer;
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }
}
