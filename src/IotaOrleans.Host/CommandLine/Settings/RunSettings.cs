using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>Which run, and where it is kept.</summary>
internal sealed class RunSettings : ISettings
{
    public Setting<string?> Runs { get; } = RunsFolder();

    public Setting<string?> Run { get; } = new(
        SettingGroups.Run, "--run", "Name of the new run", Values.Name("NAME"), null, "a fresh one, like brisk-otter");

    public Setting<string?> Resume { get; } = new(
        SettingGroups.Run, "--resume", "Continue a run from its last checkpoint", Values.Name("RUN"), null);

    public IEnumerable<Option> All => [Runs, Run, Resume];

    public static Setting<string?> RunsFolder() => new(
        SettingGroups.Run, "--runs", "Folder that holds one folder per run", Values.Text("DIR"), "runs");
}
