using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>For commands that print one result.</summary>
internal sealed class JsonSettings : ISettings
{
    public Flag Json { get; } = new(SettingGroups.Output, "--json", "Print JSON instead of text");

    public Flag Verbose { get; } = new(SettingGroups.Output, "--verbose", "Print details of unexpected errors");

    public IEnumerable<Option> All => [Json, Verbose];
}
