using System.Globalization;
using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace IotaOrleans.Host.Storage;

/// <summary>
/// Waits for a database that does not answer, or whose disk is full: whatever is read or written goes on when it is back, and until then
/// everybody else works. Says so once, and once when it is over.
/// </summary>
/// <param name="store">What the database is called.</param>
/// <param name="complaint">What is said of it when it cannot be used.</param>
/// <param name="time">Clock.</param>
/// <param name="host">Whose end is waited for no longer.</param>
/// <param name="logger">Receives what is said.</param>
internal sealed partial class StoreOutage(string store, string complaint, TimeProvider time, IHostApplicationLifetime host, ILogger<StoreOutage> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // What writing a file can fail with; reading one that is too short is damage, and is not waited for.
    private static readonly int[] SqliteDiskErrors =
        [/* SQLITE_FULL */ 13, /* SQLITE_IOERR_WRITE */ 778, /* SQLITE_IOERR_FSYNC */ 1034, /* SQLITE_IOERR_TRUNCATE */ 1546, /* SQLITE_IOERR_SHMSIZE */ 4874];

    private readonly Lock _gate = new();
    private DateTimeOffset? _since;

    /// <summary>What is wrong, in one line, or null when nothing is.</summary>
    public string? Warning
    {
        get
        {
            lock (_gate)
            {
                return _since is { } since
                    ? string.Create(CultureInfo.InvariantCulture, $"{store} {complaint}, since {since:HH:mm:ss} UTC: training goes on, and what has to be stored waits")
                    : null;
            }
        }
    }

    /// <summary>Uses the database, as often as it takes until it answers. A silo that is going down waits for nothing.</summary>
    /// <param name="use">What is done; told whether it was tried before, and so may have been done although no answer came.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<T> PersevereAsync<T>(Func<bool, Task<T>> use, CancellationToken cancellationToken)
    {
        for (var again = false; ; again = true)
        {
            try
            {
                var result = await use(again);
                NoteAnswer();
                return result;
            }
            catch (Exception failure) when (IsOutage(failure) && !host.ApplicationStopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                NoteSilence(failure);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>Whether a failure is the server's absence or the disk's, and not what was asked of it.</summary>
    public static bool IsOutage(Exception failure) => failure switch
    {
        // Connection exceptions, too many connections, and a server that goes down or comes up.
        PostgresException refused => refused.SqlState.StartsWith("08", StringComparison.Ordinal) || refused.SqlState.StartsWith("57P", StringComparison.Ordinal) || refused.SqlState == PostgresErrorCodes.TooManyConnections,
        SqliteException disk => SqliteDiskErrors.Contains(disk.SqliteExtendedErrorCode),
        NpgsqlException broken => broken.IsTransient || broken.InnerException is IOException or SocketException or TimeoutException,
        _ => failure.InnerException is { } inner && IsOutage(inner),
    };

    private void NoteSilence(Exception failure)
    {
        lock (_gate)
        {
            if (_since is not null)
            {
                return;
            }

            _since = time.GetUtcNow();
        }

        LogSilent(store, complaint, failure.GetBaseException().Message);
    }

    private void NoteAnswer()
    {
        lock (_gate)
        {
            if (_since is null)
            {
                return;
            }

            _since = null;
        }

        LogBack(store);
    }

    [LoggerMessage(LogLevel.Error, "{Store} {Complaint} ({Reason}): training goes on, and what has to be stored waits for it")]
    private partial void LogSilent(string store, string complaint, string reason);

    [LoggerMessage(LogLevel.Error, "{Store} can be used again: what waited is stored now")]
    private partial void LogBack(string store);
}
