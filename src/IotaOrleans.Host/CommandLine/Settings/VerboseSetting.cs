using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>For commands whose only choice of output is how much they say of errors.</summary>
internal sealed class VerboseSetting : ISettings
{
    public Flag Verbose { get; } = new(SettingGroups.Output, "--verbose", "Print details of unexpected errors");

    public IEnumerable<Option> All => [Verbose];
}
