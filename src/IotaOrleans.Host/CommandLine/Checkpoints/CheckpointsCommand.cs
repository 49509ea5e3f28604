using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Checkpoints;

/// <summary><c>iota checkpoints</c>: what a run can go on from.</summary>
internal sealed class CheckpointsCommand : IotaCommand
{
    private readonly ListCheckpointsCommand _list = new();
    private readonly VerifyCheckpointsCommand _verify = new();
    private readonly PruneCheckpointsCommand _prune = new();
    private readonly FetchCheckpointsCommand _fetch = new();

    public CheckpointsCommand()
        : base("checkpoints", "Shows, checks, removes and fetches the checkpoints of a run.")
    {
        Subcommands.Add(_list);
        Subcommands.Add(_verify);
        Subcommands.Add(_prune);
        Subcommands.Add(_fetch);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [.. _list.Examples, .. _verify.Examples, .. _prune.Examples, .. _fetch.Examples];

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        new HelpPage(Consoles.Output()).Write(this);
        return Task.FromResult((int)ExitCode.Success);
    }
}
