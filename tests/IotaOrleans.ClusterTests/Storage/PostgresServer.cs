using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using IotaOrleans.Host.Storage;
using Npgsql;

namespace IotaOrleans.ClusterTests.Storage;

/// <summary>A PostgreSQL server of the tests' own: in a temporary folder, on a free port of this machine's loopback, and gone afterwards.</summary>
public sealed class PostgresServer : IDisposable
{
    private const string Owner = "owner";
    private const string ServerUser = "postgres";
    private const int FastShutdown = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("iota-postgres-").FullName;
    private readonly int _port = FreePort();
    private readonly string _data;
    private Process _process;
    private int _databases;

    public PostgresServer()
    {
        // The server refuses to run as root.
        if (Environment.IsPrivilegedProcess)
        {
            Run("chown", ServerUser, _folder);
        }

        _data = Path.Combine(_folder, "data");
        Run([.. AsServerUser, Binary("initdb"), "--pgdata", _data, "--username", Owner, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]);
        _process = StartServer();
    }

    private static string[] AsServerUser => Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", ServerUser, "--regid", ServerUser, "--clear-groups"] : [];

    /// <summary>A new, empty database, as its owner.</summary>
    internal StoreAddress NewDatabase()
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        Scalar(Address("postgres", Owner), $"CREATE DATABASE {name}");
        return Address(name, Owner);
    }

    /// <summary>A database as another user.</summary>
    internal StoreAddress As(StoreAddress store, string user) => Address(store.Database, user);

    /// <summary>Runs a statement as a database's user.</summary>
    internal static object? Scalar(StoreAddress store, string text)
    {
        using var connection = new NpgsqlConnection($"{store.ConnectionString};Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(text, connection);
        return command.ExecuteScalar();
    }

    /// <summary>Runs a statement in a transaction, and keeps what it locks until the result is disposed of.</summary>
    internal static async Task<IAsyncDisposable> HoldAsync(StoreAddress store, string text)
    {
        var connection = new NpgsqlConnection($"{store.ConnectionString};Pooling=false");
        await connection.OpenAsync();
        await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(text, connection);
        (await command.ExecuteScalarAsync()).Should().NotBeNull("there is nothing to lock otherwise");
        return connection;
    }

    /// <summary>Ends the server; it breaks off every connection.</summary>
    public void Stop()
    {
        NpgsqlConnection.ClearAllPools();
        if (SendSignal(_process.Id, FastShutdown) != 0 || !_process.WaitForExit(Patience))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    /// <summary>Starts the server again, on the same port, with all that it had.</summary>
    public void Start() => _process = StartServer();

    public void Dispose()
    {
        Stop();
        Directory.Delete(_folder, recursive: true);
    }

    private Process StartServer()
    {
        var process = Start([.. AsServerUser, Binary("postgres"), "-D", _data, "-p", _port.ToString(CultureInfo.InvariantCulture), "-k", _folder, "-h", "127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"]);
        var clock = Stopwatch.StartNew();
        while (!Answers())
        {
            if (process.HasExited || clock.Elapsed > Patience)
            {
                throw new InvalidOperationException($"PostgreSQL did not start: {(process.HasExited ? process.StandardError.ReadToEnd() : "no answer")}");
            }

            Thread.Sleep(50);
        }

        // It writes a line for each connection that breaks off: somebody has to read them.
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    private StoreAddress Address(string database, string user) =>
        StoreAddress.TryParse($"postgres://{user}@127.0.0.1:{_port}/{database}", out var address) ? address! : throw new InvalidOperationException();

    private bool Answers()
    {
        try
        {
            Scalar(Address("postgres", Owner), "SELECT 1");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>Debian keeps the server's programs in a folder for each version, of which the newest is taken.</summary>
    private static string Binary(string name)
    {
        const string Versions = "/usr/lib/postgresql";
        return Directory.Exists(Versions)
            ? Directory.EnumerateFiles(Versions, name, SearchOption.AllDirectories).OrderBy(path => int.Parse(path.Split('/')[4], CultureInfo.InvariantCulture)).Last()
            : name;
    }

    private static void Run(params string[] command)
    {
        using var process = Start(command);
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)}: {errors.Result}");
        }
    }

    private static Process Start(params string[] command)
    {
        var process = new Process { StartInfo = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" } };
        process.Start();
        return process;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}

/// <summary>Tests with a PostgreSQL server, one after the other; each has databases of its own.</summary>
[CollectionDefinition(Name)]
public sealed class PostgresGroup : ICollectionFixture<PostgresServer>
{
    public const string Name = "postgres";
}
