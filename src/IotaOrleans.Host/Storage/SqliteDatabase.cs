using Microsoft.Data.Sqlite;

namespace IotaOrleans.Host.Storage;

/// <summary>The SQLite file during a silo's life: created before storage is used, closed after the last grain.</summary>
internal sealed class SqliteDatabase : ILifecycleParticipant<ISiloLifecycle>
{
    private const string Scripts = "sqlite/";
    private const int Corrupt = 11;
    private const int NotADatabase = 26;

    private readonly string _path;
    private SqliteConnection? _held;

    public SqliteDatabase(string path)
    {
        _path = path;
        DataSource = new SqliteDataSource(path);
    }

    public SqliteDataSource DataSource { get; }

    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(SqliteDatabase), ServiceLifecycleStage.RuntimeStorageServices, CreateAsync, CloseAsync);

    /// <summary>Creates the file and its tables; harmless when they exist and when other processes do the same.</summary>
    /// <exception cref="IotaException">The file cannot be created, or is no database.</exception>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!);
            using var connection = (SqliteConnection)DataSource.OpenConnection();
            Execute(connection, "PRAGMA journal_mode = WAL", transaction: null);
            using SqliteTransaction transaction = connection.BeginTransaction();
            foreach (var script in ReadScripts())
            {
                Execute(connection, script, transaction);
            }

            transaction.Commit();
        }
        catch (SqliteException damaged) when (damaged.SqliteErrorCode is Corrupt or NotADatabase)
        {
            throw new IotaException(ExitCode.RunState, $"{_path} is damaged or no SQLite database; restore it from a copy, or start a new run", damaged);
        }
        catch (Exception failure) when (failure is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new IotaException(ExitCode.Environment, $"{_path} cannot be used for the run's state: {failure.Message}", failure);
        }
    }

    private static void Execute(SqliteConnection connection, string text, SqliteTransaction? transaction)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        command.Transaction = transaction;
        command.ExecuteNonQuery();
    }

    private static IEnumerable<string> ReadScripts()
    {
        var assembly = typeof(SqliteDatabase).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Scripts, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            using var reader = new StreamReader(stream);
            yield return reader.ReadToEnd();
        }
    }

    // The last connection to close folds the write-ahead log into the file, so that the file alone can be copied: at the silo's end, and
    // not after each write.
    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        await Task.Run(Create, cancellationToken).ConfigureAwait(false);
        var connection = (SqliteConnection)await DataSource.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        _held = connection;
        // SQLite opens the log when something is read.
        Execute(connection, "SELECT 1 FROM OrleansQuery LIMIT 1", transaction: null);
    }

    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (_held is not null)
        {
            await _held.DisposeAsync().ConfigureAwait(false);
        }
    }
}
