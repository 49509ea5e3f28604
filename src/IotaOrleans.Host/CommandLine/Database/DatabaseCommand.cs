using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Database;

/// <summary><c>iota db</c>: the schema of a cluster's PostgreSQL database.</summary>
internal sealed class DatabaseCommand : IotaCommand
{
    private readonly MigrateCommand _migrate = new();
    private readonly DatabaseStatusCommand _status = new();

    public DatabaseCommand()
        : base("db", "Creates and shows the tables of a cluster's PostgreSQL database.")
    {
        Subcommands.Add(_migrate);
        Subcommands.Add(_status);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [.. _migrate.Examples, .. _status.Examples];

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        new HelpPage(Consoles.Output()).Write(this);
        return Task.FromResult((int)ExitCode.Success);
    }
}
