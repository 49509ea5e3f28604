namespace IotaOrleans.Protocol.Runs;

/// <summary>Linear warm-up, then half a cosine down to the minimum at the last step.</summary>
public static class LearningRateSchedule
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="settings">Peak, minimum and warm-up.</param>
    /// <param name="step">The step, from one.</param>
    /// <param name="steps">Steps of the whole run.</param>
    public static double At(OptimizerSettings settings, long step, long steps)
    {
        if (step <= settings.WarmupSteps)
        {
            return settings.LearningRate * step / settings.WarmupSteps;
        }

        var decaySteps = Math.Max(1, steps - settings.WarmupSteps);
        var progress = Math.Min(1.0, (step - settings.WarmupSteps) / (double)decaySteps);
        return settings.MinimumLearningRate + ((settings.LearningRate - settings.MinimumLearningRate) * 0.5 * (1 + Math.Cos(Math.PI * progress)));
    }
}
