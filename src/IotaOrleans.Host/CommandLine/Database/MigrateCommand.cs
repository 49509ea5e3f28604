using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Database;

/// <summary><c>iota db migrate</c>: applies what is missing of the schema.</summary>
internal sealed class MigrateCommand : IotaCommand
{
    private readonly Setting<StoreAddress?> _store = DatabaseSettings.Store();

    public MigrateCommand()
        : base("migrate", "Creates the tables and roles that a PostgreSQL database lacks; harmless when it lacks none, and when others do the same.")
    {
        Options.Add(_store);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("IOTA_STORE=postgres://owner:secret@db.example/iota iota db migrate", "Create the tables, as the owner of the database")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var store = _store.Of(parsed)!;
        await using var database = new PostgresDatabase(store);
        var applied = await database.MigrateAsync(cancellationToken);
        foreach (var migration in applied)
        {
            await Console.Out.WriteLineAsync($"applied {migration}");
        }

        await Console.Out.WriteLineAsync(applied.Count == 0 ? $"{store} lacks nothing" : $"{store} is up to date");
        return (int)ExitCode.Success;
    }
}
