namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>The environment variables that stand in for options.</summary>
internal static class SettingVariable
{
    public const string Prefix = "IOTA_";

    /// <summary>The variable of an option: <c>--micro-batches</c> is <c>IOTA_MICRO_BATCHES</c>.</summary>
    public static string Of(string option) => Prefix + option.TrimStart('-').Replace('-', '_').ToUpperInvariant();
}
