namespace IotaOrleans.Protocol.Runs;

/// <summary>Finds what is wrong with the outer optimizer's settings before anything starts.</summary>
public static class OuterSettingsValidator
{
    /// <summary>Checks settings.</summary>
    /// <exception cref="IotaException">One line that names the setting and the fix.</exception>
    public static void Validate(OuterSettings settings)
    {
        Require(settings.LearningRate > 0 && double.IsFinite(settings.LearningRate), $"--outer-learning-rate is {settings.LearningRate}: it must be positive");
        Require(settings.Momentum is >= 0 and < 1, $"--outer-momentum is {settings.Momentum}: it must lie in [0, 1)");
        Require(settings.FirstMomentum is >= 0 and < 1, $"the outer momentum of the first round is {settings.FirstMomentum}: it must lie in [0, 1)");
        Require(settings.MomentumWarmupRounds >= 0, $"the outer momentum rises over {settings.MomentumWarmupRounds} rounds: it cannot be negative (0 starts with all of it)");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new IotaException(ExitCode.Usage, message);
        }
    }
}
