using System.Diagnostics;
using IotaOrleans.Host.Storage;
using IotaOrleans.Tests;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.ClusterTests.Storage;

public sealed class SqliteDatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Many_creators_at_once_make_one_database()
    {
        string path = _folder.File("new/folder/state.db");

        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ => new SqliteDatabase(path).Create());

        Scalar(path, "PRAGMA journal_mode").Should().Be("wal");
        Scalar(path, "SELECT COUNT(*) FROM OrleansQuery").Should().Be(4L);
    }

    [Fact]
    public void A_newer_program_replaces_the_queries_and_keeps_the_state()
    {
        string path = _folder.File("state.db");
        new SqliteDatabase(path).Create();
        string query = (string)Scalar(path, "SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'ReadFromStorageKey'");
        Scalar(path, "UPDATE OrleansQuery SET QueryText = 'old' RETURNING 1");
        Scalar(path, "INSERT INTO GrainState VALUES ('service', 'state', 1, 2, 3, 4, NULL, 5, 'now', x'06') RETURNING 1");

        new SqliteDatabase(path).Create();

        Scalar(path, "SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'ReadFromStorageKey'").Should().Be(query);
        Scalar(path, "SELECT Version FROM GrainState").Should().Be(5L);
    }

    [Fact]
    public void A_file_that_is_no_database_is_named_and_kept()
    {
        string path = _folder.File("state.db");
        File.WriteAllText(path, new string('x', 4096));

        FluentActions.Invoking(() => new SqliteDatabase(path).Create()).Should().Throw<IotaException>()
            .WithMessage($"{path} is damaged or no SQLite database; restore it from a copy, or start a new run").Which.ExitCode.Should().Be(ExitCode.RunState);
        File.ReadAllText(path).Should().StartWith("xxx");
    }

    [Fact]
    public void A_path_that_cannot_be_created_is_an_environment_failure()
    {
        string file = _folder.File("file");
        File.WriteAllText(file, string.Empty);

        FluentActions.Invoking(() => new SqliteDatabase(Path.Combine(file, "state.db")).Create()).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Environment);
        FluentActions.Invoking(() => new SqliteDatabase(_folder.Path).Create()).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Environment);
    }

    [Fact]
    public async Task A_silo_with_a_damaged_file_does_not_start_and_says_why()
    {
        string path = _folder.File("state.db");
        File.WriteAllText(path, new string('x', 4096));

        await FluentActions.Awaiting(() => StorageCluster.StartAsync(silo => silo.AddSqliteGrainStorage(path))).Should().ThrowAsync<IotaException>().WithMessage($"{path} is damaged*");
    }

    [Fact]
    public void A_writer_waits_for_another_program()
    {
        string path = _folder.File("state.db");
        new SqliteDatabase(path).Create();
        using var other = new SqliteConnection($"Data Source={path};Pooling=False");
        other.Open();
        SqliteTransaction held = other.BeginTransaction();
        var waited = Stopwatch.StartNew();
        using var release = new Timer(_ => held.Dispose(), null, TimeSpan.FromMilliseconds(300), Timeout.InfiniteTimeSpan);

        new SqliteDatabase(path).Create();

        waited.Elapsed.Should().BeGreaterThan(TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public async Task The_log_is_folded_into_the_file_when_the_silo_ends_and_not_after_each_write()
    {
        string path = _folder.File("state.db");
        await using (StorageCluster cluster = await StorageCluster.StartAsync(silo => silo.AddSqliteGrainStorage(path)))
        {
            await cluster.Notebook("kept").WriteAsync("a line");
            File.Exists(path + "-wal").Should().BeTrue();
        }

        File.Exists(path + "-wal").Should().BeFalse();
    }

    private static object Scalar(string path, string text)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar()!;
    }
}
