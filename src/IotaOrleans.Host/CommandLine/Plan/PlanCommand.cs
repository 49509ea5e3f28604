using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Plan;

/// <summary><c>iota plan</c>: what can be known about a swarm before there is one.</summary>
internal sealed class PlanCommand : IotaCommand
{
    private readonly PlanScheduleCommand _schedule = new();

    public PlanCommand()
        : base("plan", "Computes what a swarm would do, without starting one.")
    {
        Subcommands.Add(_schedule);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => _schedule.Examples;

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        new HelpPage(Consoles.Output()).Write(this);
        return Task.FromResult((int)ExitCode.Success);
    }
}
