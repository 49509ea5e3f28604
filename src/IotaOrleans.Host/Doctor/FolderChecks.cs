using IotaOrleans.Host.Progress;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.Host.Doctor;

/// <summary>Is there room for checkpoints?</summary>
internal sealed class DiskCheck(string runs) : IDoctorCheck
{
    private const long Least = 1L << 30;

    public string Name => "disk";

    public Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var folder = Path.GetFullPath(runs);
        var existing = folder;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        var free = new DriveInfo(existing).AvailableFreeSpace;
        var detail = $"{Figures.Bytes(free)} free for {folder}";
        return Task.FromResult(free >= Least
            ? Finding.Good(Name, detail)
            : Finding.Bad(Name, detail, "free some space, or put runs elsewhere with --runs"));
    }
}

/// <summary>Can runs be written and locked, and does the database work there?</summary>
internal sealed class StorageCheck(string runs) : IDoctorCheck
{
    public string Name => "storage";

    public async Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var existed = Directory.Exists(runs);
        var folder = Path.Combine(runs, $".doctor-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(folder);
            if (!LocksHold(Path.Combine(folder, "lock")))
            {
                return Finding.Bad(Name, $"{runs} does not keep locks", "choose a local disk with --runs: two processes could otherwise write one run");
            }

            var database = await WriteAndReadAsync(Path.Combine(folder, "test.db"), cancellationToken);
            return Finding.Good(Name, $"{runs} is writable, SQLite {database}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SqliteException)
        {
            return Finding.Bad(Name, $"{runs}: {failure.Message}", "make the folder writable, or choose another with --runs");
        }
        finally
        {
            Delete(existed ? folder : runs);
        }
    }

    private static bool LocksHold(string path)
    {
        using var first = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        try
        {
            using var second = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static async Task<string> WriteAndReadAsync(string path, CancellationToken cancellationToken)
    {
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        await connection.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL; CREATE TABLE test (value TEXT); INSERT INTO test VALUES (sqlite_version()); SELECT value FROM test;";
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? reader.GetString(0) : "lost a row";
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It was never made.
        }
    }
}
