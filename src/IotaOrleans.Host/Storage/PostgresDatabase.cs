using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace IotaOrleans.Host.Storage;

/// <summary>A PostgreSQL database and its schema: migrations are numbered scripts, each applied once, and never changed afterwards.</summary>
internal sealed class PostgresDatabase(StoreAddress address) : ILifecycleParticipant<ISiloLifecycle>, IAsyncDisposable
{
    private const string Scripts = "postgres/";

    /// <summary>Any number that no other program takes: "iota" in ASCII.</summary>
    private const long MigrationLock = 0x696F7461;

    public NpgsqlDataSource DataSource { get; } = NpgsqlDataSource.Create(address.ConnectionString);

    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(PostgresDatabase), ServiceLifecycleStage.RuntimeStorageServices, cancellationToken => MigrateAsync(cancellationToken), _ => DisposeAsync().AsTask());

    /// <summary>Applies the migrations that are missing, all of them or none. Others that do the same at the same time wait.</summary>
    /// <returns>The migrations that were applied now.</returns>
    /// <exception cref="IotaException">The database cannot be used, or it is not what this program made.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken = default)
    {
        var applied = new List<string>();
        await UseAsync(
            async () =>
            {
                if ((await ReadStatusAsync(cancellationToken)).All(migration => migration.AppliedAt is not null))
                {
                    return;
                }

                await using var connection = await DataSource.OpenConnectionAsync(cancellationToken);
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({MigrationLock})", cancellationToken);
                await ExecuteAsync(
                    connection,
                    """
                    CREATE TABLE IF NOT EXISTS IotaMigrations
                    (
                      Name      text        NOT NULL PRIMARY KEY,
                      Hash      text        NOT NULL,
                      AppliedAt timestamptz NOT NULL DEFAULT now()
                    )
                    """,
                    cancellationToken);
                var known = await ReadAppliedAsync(connection, cancellationToken);
                foreach (var (name, text) in ReadScripts().Where(script => !known.ContainsKey(script.Name)))
                {
                    await ExecuteAsync(connection, text, cancellationToken);
                    await using var note = new NpgsqlCommand("INSERT INTO IotaMigrations (Name, Hash) VALUES ($1, $2)", connection)
                    {
                        Parameters = { new() { Value = name }, new() { Value = Hash(text) } },
                    };
                    await note.ExecuteNonQueryAsync(cancellationToken);
                    applied.Add(name);
                }

                await transaction.CommitAsync(cancellationToken);
            });
        return applied;
    }

    /// <summary>All migrations in order, and when each was applied.</summary>
    public async Task<IReadOnlyList<Migration>> StatusAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<Migration> status = [];
        await UseAsync(async () => status = await ReadStatusAsync(cancellationToken));
        return status;
    }

    /// <summary>Looks whether there is a cluster's database at all, for one who may not create it.</summary>
    public async Task RequireAsync(CancellationToken cancellationToken = default)
    {
        if ((await StatusAsync(cancellationToken)).FirstOrDefault(migration => migration.AppliedAt is null) is { } missing)
        {
            throw new IotaException(ExitCode.RunState, $"{address} lacks {missing.Name}; 'iota db migrate', as the owner of the database, adds it");
        }
    }

    public ValueTask DisposeAsync() => DataSource.DisposeAsync();

    private async Task<IReadOnlyList<Migration>> ReadStatusAsync(CancellationToken cancellationToken)
    {
        await using var connection = await DataSource.OpenConnectionAsync(cancellationToken);
        await using var exists = new NpgsqlCommand("SELECT to_regclass('iotamigrations') IS NOT NULL", connection);
        var applied = (bool)(await exists.ExecuteScalarAsync(cancellationToken))! ? await ReadAppliedAsync(connection, cancellationToken) : [];
        var scripts = ReadScripts().ToArray();
        if (applied.Keys.Except(scripts.Select(script => script.Name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } newer)
        {
            throw new IotaException(ExitCode.RunState, $"{address} has {newer}, which this program does not know: it is older than the database; use the newer one");
        }

        foreach (var (name, text) in scripts)
        {
            if (applied.TryGetValue(name, out var known) && known.Hash != Hash(text))
            {
                throw new IotaException(ExitCode.RunState, $"{address}: {name} is not the script that was applied; a migration is never changed, use a program that has the one of then");
            }
        }

        return [.. scripts.Select(script => new Migration(script.Name, applied.TryGetValue(script.Name, out var known) ? known.At : null))];
    }

    private static async Task<Dictionary<string, (string Hash, DateTimeOffset At)>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT Name, Hash, AppliedAt FROM IotaMigrations", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var applied = new Dictionary<string, (string Hash, DateTimeOffset At)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            applied.Add(reader.GetString(0), (reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2)));
        }

        return applied;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string text, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(text, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static IEnumerable<(string Name, string Text)> ReadScripts()
    {
        var assembly = typeof(PostgresDatabase).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Scripts, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            using var reader = new StreamReader(stream);
            yield return (Path.GetFileNameWithoutExtension(name), reader.ReadToEnd());
        }
    }

    // A checkout with other line ends is the same script.
    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\n"))));

    private async Task UseAsync(Func<Task> use)
    {
        try
        {
            await use();
        }
        catch (PostgresException denied) when (denied.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new IotaException(ExitCode.Environment, $"{address}: {denied.MessageText}; 'iota db migrate' needs the owner of the database, silos need roles of their own", denied);
        }
        catch (NpgsqlException failure)
        {
            throw new IotaException(ExitCode.Environment, $"{address} cannot be used: {(failure as PostgresException)?.MessageText ?? failure.Message}", failure);
        }
    }
}

/// <summary>A step of the schema.</summary>
/// <param name="Name">Its name, which begins with its number.</param>
/// <param name="AppliedAt">When it was applied, or null.</param>
internal sealed record Migration(string Name, DateTimeOffset? AppliedAt);
