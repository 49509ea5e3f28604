using IotaOrleans.Protocol.Runs;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Swarm;

/// <summary>The optimizer step of one replica in elastic mode: the same arithmetic for who trains and for who checks it.</summary>
internal static class LocalStep
{
    /// <summary>The gradients are those of a part of the step's micro-batches: they are scaled up to the whole, and clipped by the stage's share of the bound.</summary>
    /// <param name="trainer">The stage, with accumulated gradients.</param>
    /// <param name="specification">The run.</param>
    /// <param name="accumulated">Micro-batches in the gradients.</param>
    /// <param name="localStep">The replica's step, from one.</param>
    /// <param name="newestStep">The newest step of the run that it has seen: the learning rate is that step's.</param>
    /// <exception cref="IotaException">The gradients are not finite.</exception>
    public static void Take(StageTrainer trainer, TrainingRunSpecification specification, int accumulated, long localStep, long newestStep)
    {
        var scale = (double)specification.MicroBatches / accumulated;
        var norm = scale * Math.Sqrt(GradientNorm.SumOfSquares(trainer.Parameters.Gradients));
        if (!double.IsFinite(norm))
        {
            throw new IotaException(ExitCode.Failed, $"the gradient of step {newestStep} is not finite: lower --learning-rate, or raise --warmup-steps");
        }

        // IOTA's local rule: a stage's share of the bound grows with the root of its share of the parameters.
        var bound = specification.Optimizer.GradientClip * Math.Sqrt(trainer.Parameters.Layout.Count / (double)ParameterLayout.CountParameters(specification.Model));
        trainer.Step(localStep, LearningRateSchedule.At(specification.Optimizer, newestStep, specification.Steps), scale * GradientNorm.ClipScale(norm, bound));
    }
}
