using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.CommandLine.Checkpoints;

/// <summary><c>iota checkpoints prune</c>: removes all but the newest checkpoints.</summary>
internal sealed class PruneCheckpointsCommand : IotaCommand
{
    private readonly RunArgument _run = new();
    private readonly Setting<int> _keep = new(SettingGroups.Run, "--keep", "How many stay, the newest", Values.Whole(1, 1_000_000), 1);

    public PruneCheckpointsCommand()
        : base("prune", "Removes all but the newest checkpoints of a run that is not under way; the newest that is sound always stays.")
    {
        Arguments.Add(_run.Run);
        Options.Add(_keep);
        Use(_run);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota checkpoints prune brisk-otter --keep 1", "Keep the newest alone")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var run = _run.Open(parsed);
        using var reserved = run.Lock();
        var store = new CheckpointStore(run.Checkpoints);
        var sound = await Task.Run(() => store.List().FirstOrDefault(folder => FolderSums.FindDamage(folder) is null), cancellationToken);
        var removed = store.Prune(_keep.Of(parsed), sound);
        foreach (var folder in removed)
        {
            await Console.Out.WriteLineAsync($"removed {Path.GetFileName(folder)}");
        }

        await Console.Out.WriteLineAsync($"{Figures.Plural(removed.Count, "checkpoint")} removed");
        return (int)ExitCode.Success;
    }
}
