using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

internal static class SettingExtensions
{
    /// <summary>The value if the person gave one, else null.</summary>
    public static T? GivenIn<T>(this Setting<T> setting, ParseResult parsed)
        where T : struct => setting.IsGiven(parsed) ? setting.Of(parsed) : null;
}
