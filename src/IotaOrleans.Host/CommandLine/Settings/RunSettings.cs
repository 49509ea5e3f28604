using System.CommandLine;
using IotaOrleans.Host.Archive;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>Which run, and where it is kept.</summary>
internal sealed class RunSettings : ISettings
{
    public Setting<string?> Runs { get; } = RunsFolder();

    public Setting<StoreAddress?> Store { get; } = StoreOf("Keep the cluster's state, receipts and payouts, and the list of its silos, in PostgreSQL", "SQLite in the run's folder");

    public Setting<ArchiveAddress?> Archive { get; } = ArchiveOf("Copy each checkpoint to an S3-compatible store as well");

    public Setting<string?> Run { get; } = new(
        SettingGroups.Run, "--run", "Name of the new run", Values.Name("NAME"), null, "a fresh one, like brisk-otter");

    public Setting<string?> Resume { get; } = new(
        SettingGroups.Run, "--resume", "Continue a run from its last checkpoint", Values.Name("RUN"), null);

    public Flag Continue { get; } = new(
        SettingGroups.Run, "--continue", "Go on with the run that --run names if it is there already; for supervisors, which start again what has ended");

    public IEnumerable<Option> All => [Runs, Store, Archive, Run, Continue, Resume];

    /// <summary>The database; better given by its variable, as other users of a machine see what programs are called with.</summary>
    public static Setting<StoreAddress?> StoreOf(string description, string? defaultText = null) =>
        new(SettingGroups.Run, "--store", $"{description}; better given by the variable, which other users cannot see", Values.Store(), null, defaultText) { IsSecret = true };

    /// <summary>The archive; keys for it come from the environment, as the store's other programs take them.</summary>
    public static Setting<ArchiveAddress?> ArchiveOf(string description) => new(SettingGroups.Run, "--archive", description, Values.Archive(), null);

    public static Setting<string?> RunsFolder() => new(
        SettingGroups.Run, "--runs", "Folder that holds one folder per run", Values.Text("DIR"), "runs");
}
