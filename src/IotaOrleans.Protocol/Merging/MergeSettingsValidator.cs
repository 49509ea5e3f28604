namespace IotaOrleans.Protocol.Merging;

/// <summary>Finds what is wrong with the settings of merges before anything starts.</summary>
public static class MergeSettingsValidator
{
    /// <summary>Checks settings.</summary>
    /// <exception cref="IotaException">One line that names the setting and the fix.</exception>
    public static void Validate(MergeSettings settings)
    {
        Require(settings.Owners > 0, $"--owners is {settings.Owners}: it must be at least 1");
        Require(Enum.IsDefined(settings.Rule), $"--merge-rule is {settings.Rule}: there is no such rule");
        Require(settings.ClipFactor > 0 && double.IsFinite(settings.ClipFactor), $"updates are clipped at {settings.ClipFactor} median norms: it must be positive");
        Require(settings.Trim >= 0, $"{settings.Trim} values are trimmed at each end: it cannot be negative");
        Require(settings.RequiredLead > 0, $"a copy must lead by {settings.RequiredLead}: it must be at least 1");
        Require(settings.AlwaysAskShare is >= 0 and <= 1, $"arbiters are always asked for {settings.AlwaysAskShare} of the cells: it must lie in [0, 1]");
        Require(settings.MaximumGapShare is >= 0 and <= 1, $"{settings.MaximumGapShare} of the values may be missing: it must lie in [0, 1]");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new IotaException(ExitCode.Usage, message);
        }
    }
}
