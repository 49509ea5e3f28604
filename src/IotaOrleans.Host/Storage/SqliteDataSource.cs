using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.Host.Storage;

/// <summary>Opens connections to one SQLite file that wait for each other instead of failing.</summary>
internal sealed class SqliteDataSource : DbDataSource
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    public SqliteDataSource(string path)
    {
        ConnectionString = new SqliteConnectionStringBuilder
        {
            DataSource = Path.GetFullPath(path),
            Mode = SqliteOpenMode.ReadWriteCreate,
            // The driver's pool can give one handle to two who open at the same moment; then one rolls back what the other wrote.
            Pooling = false,
            DefaultTimeout = (int)LongestWait.TotalSeconds,
        }.ToString();
    }

    public override string ConnectionString { get; }

    protected override DbConnection CreateDbConnection() => new SqliteConnection(ConnectionString);

    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(ConnectionString);
        try
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            // SQLite's own waiting starts at 1 ms; the driver's would sleep 150 ms at a time.
            command.CommandText = $"PRAGMA busy_timeout = {(int)LongestWait.TotalMilliseconds}";
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // The driver is synchronous underneath: the caller, a grain's turn, must not be held while it works or waits.
    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) =>
        await Task.Run(OpenDbConnection, cancellationToken).ConfigureAwait(false);
}
