using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Database;

/// <summary><c>iota db status</c>: what of the schema is there.</summary>
internal sealed class DatabaseStatusCommand : IotaCommand
{
    private readonly Setting<StoreAddress?> _store = DatabaseSettings.Store();
    private readonly JsonSettings _output = new();

    public DatabaseStatusCommand()
        : base("status", "Shows which migrations a PostgreSQL database has; exit code 1 when it lacks any.")
    {
        Options.Add(_store);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota db status", "What the database of IOTA_STORE has and lacks")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var store = _store.Of(parsed)!;
        await using var database = new PostgresDatabase(store);
        var migrations = await database.StatusAsync(cancellationToken);
        var complete = migrations.All(migration => migration.AppliedAt is not null);
        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new { Store = store.ToString(), Complete = complete, Migrations = migrations }, RunEventJson.Options));
        }
        else
        {
            foreach (var migration in migrations)
            {
                await Console.Out.WriteLineAsync($"{migration.Name,-20} {(migration.AppliedAt is { } at ? at.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) : "missing")}");
            }

            await Console.Out.WriteLineAsync(complete ? $"{store} is up to date" : $"{store} is not up to date: 'iota db migrate', as its owner, makes it so");
        }

        return (int)(complete ? ExitCode.Success : ExitCode.Failed);
    }
}
