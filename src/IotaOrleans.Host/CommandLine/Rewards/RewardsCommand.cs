using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary><c>iota rewards</c>: what was paid, checked and exported.</summary>
internal sealed class RewardsCommand : IotaCommand
{
    private readonly RecomputeCommand _recompute = new();
    private readonly ExportRewardsCommand _export = new();

    public RewardsCommand()
        : base("rewards", "Checks and exports what a run paid.")
    {
        Subcommands.Add(_recompute);
        Subcommands.Add(_export);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [.. _recompute.Examples, .. _export.Examples];

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        new HelpPage(Consoles.Output()).Write(this);
        return Task.FromResult((int)ExitCode.Success);
    }
}
