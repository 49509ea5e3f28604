using System.Globalization;
using IotaOrleans.Host.Storage;
using IotaOrleans.Tests;
using Microsoft.Data.Sqlite;
using Orleans.Storage;

namespace IotaOrleans.ClusterTests.Storage;

/// <summary>What every grain storage keeps to, wherever it stores.</summary>
public abstract class GrainStorageTests
{
    private protected abstract void Configure(ISiloBuilder silo);

    /// <summary>Runs a statement past the provider and returns its only value.</summary>
    private protected abstract object Execute(string text);

    private protected Task<StorageCluster> StartAsync(short silos = 1, bool deleteOnClear = false) => StorageCluster.StartAsync(Configure, silos, deleteOnClear);

    private long Query(string text) => Convert.ToInt64(Execute(text), CultureInfo.InvariantCulture);

    [Fact]
    public async Task State_is_written_read_again_and_overwritten()
    {
        await using StorageCluster cluster = await StartAsync();
        INotebookGrain notebook = cluster.Notebook("a");
        (await notebook.HasRecordAsync()).Should().BeFalse();

        await notebook.WriteAsync("first ü");
        await cluster.ReloadAsync(notebook);
        (await notebook.ReadAsync()).Text.Should().Be("first ü");
        (await notebook.HasRecordAsync()).Should().BeTrue();
        await notebook.WriteAsync("second");
        await cluster.ReloadAsync(notebook);

        (await notebook.ReadAsync()).Text.Should().Be("second");
        Query("SELECT Version FROM GrainState").Should().Be(2);
    }

    [Fact]
    public async Task A_cleared_grain_keeps_its_version_and_can_write_again()
    {
        await using StorageCluster cluster = await StartAsync();
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        await notebook.ClearAsync();
        (await notebook.ReadAsync()).Text.Should().BeEmpty();
        Query("SELECT Version FROM GrainState WHERE PayloadBinary IS NULL").Should().Be(2);

        await cluster.ReloadAsync(notebook);
        (await notebook.HasRecordAsync()).Should().BeFalse();
        await notebook.WriteAsync("second");
        await cluster.ReloadAsync(notebook);

        (await notebook.ReadAsync()).Text.Should().Be("second");
        Query("SELECT Version FROM GrainState").Should().Be(3);
    }

    [Fact]
    public async Task A_cleared_grain_leaves_no_row_when_the_options_say_so()
    {
        await using StorageCluster cluster = await StartAsync(deleteOnClear: true);
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        await notebook.ClearAsync();
        Query("SELECT COUNT(*) FROM GrainState").Should().Be(0);

        await notebook.WriteAsync("second");
        await cluster.ReloadAsync(notebook);

        (await notebook.ReadAsync()).Text.Should().Be("second");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_writer_makes_writing_and_clearing_inconsistent(bool deleteOnClear)
    {
        await using StorageCluster cluster = await StartAsync(deleteOnClear: deleteOnClear);
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        Query("UPDATE GrainState SET Version = Version + 1 RETURNING Version");

        await notebook.Invoking(other => other.WriteAsync("second")).Should().ThrowAsync<InconsistentStateException>();
        (await notebook.ReadAsync()).Text.Should().Be("first", "the failed activation ended, and the next one read the database");
        Query("UPDATE GrainState SET Version = Version + 1 RETURNING Version");
        await notebook.Invoking(other => other.ClearAsync()).Should().ThrowAsync<InconsistentStateException>();

        (await notebook.ReadAsync()).Text.Should().Be("first");
        Query("SELECT Version FROM GrainState").Should().Be(3);
    }

    [Fact]
    public async Task A_row_that_vanished_makes_writing_inconsistent()
    {
        await using StorageCluster cluster = await StartAsync();
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        Query("DELETE FROM GrainState RETURNING Version");

        await notebook.Invoking(other => other.WriteAsync("second")).Should().ThrowAsync<InconsistentStateException>();
    }

    [Fact]
    public async Task A_first_write_loses_against_a_row_that_is_already_there()
    {
        await using StorageCluster cluster = await StartAsync();
        IGrainStorage storage = cluster.Storages[0];
        var grain = GrainId.Create("notebook", "a");
        var early = new GrainState<NotebookState>(new NotebookState { Text = "early" });
        var late = new GrainState<NotebookState>(new NotebookState { Text = "late" });

        await storage.WriteStateAsync("notebook", grain, early);
        await storage.Invoking(other => other.WriteStateAsync("notebook", grain, late)).Should().ThrowAsync<InconsistentStateException>();

        Query("SELECT COUNT(*) FROM GrainState").Should().Be(1);
        early.ETag.Should().Be("1");
        late.ETag.Should().BeNull();
    }

    [Fact]
    public async Task State_survives_a_restart()
    {
        byte[] bytes = new byte[1 << 20];
        new Random(7).NextBytes(bytes);
        await using (StorageCluster cluster = await StartAsync())
        {
            await cluster.Notebook("a").WriteAsync("kept", bytes);
        }

        await using StorageCluster restarted = await StartAsync();

        NotebookState state = await restarted.Notebook("a").ReadAsync();
        state.Text.Should().Be("kept");
        state.Bytes.Should().Equal(bytes);
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("a", "A")]
    [InlineData("1", "01")]
    [InlineData("1", "1+")]
    [InlineData("c0ffeec0ffeec0ffeec0ffeec0ffee00", "C0FFEEC0FFEEC0FFEEC0FFEEC0FFEE00")]
    public async Task Keys_do_not_share_state(string left, string right)
    {
        await using StorageCluster cluster = await StartAsync();
        await cluster.Notebook(left).WriteAsync("left");
        await cluster.Notebook(right).WriteAsync("right");
        await cluster.ReloadAsync(cluster.Notebook(left));

        (await cluster.Notebook(left).ReadAsync()).Text.Should().Be("left");
    }

    [Fact]
    public async Task Grain_types_do_not_share_state()
    {
        await using StorageCluster cluster = await StartAsync();
        IGrainStorage storage = cluster.Storages[0];

        await storage.WriteStateAsync("state", GrainId.Create("left", "a"), new GrainState<NotebookState>(new NotebookState()));
        await storage.WriteStateAsync("state", GrainId.Create("right", "a"), new GrainState<NotebookState>(new NotebookState()));
        await storage.WriteStateAsync("other", GrainId.Create("left", "a"), new GrainState<NotebookState>(new NotebookState()));

        Query("SELECT COUNT(*) FROM GrainState").Should().Be(3);
    }

    [Fact]
    public async Task Two_silos_write_at_once_and_lose_nothing()
    {
        await using StorageCluster cluster = await StartAsync(silos: 2);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async index =>
        {
            for (int i = 0; i < 10; i++)
            {
                await cluster.Notebook($"n{index}").AddAsync(1);
            }
        }));

        for (int index = 0; index < 20; index++)
        {
            await cluster.ReloadAsync(cluster.Notebook($"n{index}"));
            (await cluster.Notebook($"n{index}").ReadAsync()).Sum.Should().Be(10);
        }

        Query("SELECT SUM(Version) FROM GrainState").Should().Be(200);
    }

    [Fact]
    public async Task Of_two_silos_that_write_the_same_version_one_wins()
    {
        await using StorageCluster cluster = await StartAsync(silos: 2);
        cluster.Storages.Should().HaveCount(2);
        var grain = GrainId.Create("notebook", "shared");

        for (int round = 1; round <= 50; round++)
        {
            GrainState<NotebookState>[] states = await Task.WhenAll(cluster.Storages.Select(storage => ReadAsync(storage, grain)));

            bool[] won = await Task.WhenAll(cluster.Storages.Zip(states, (storage, state) => Task.Run(() => TryAddAsync(storage, grain, state))));

            won.Should().BeEquivalentTo([true, false]);
            (await ReadAsync(cluster.Storages[0], grain)).State!.Sum.Should().Be(round);
        }
    }

    private static async Task<GrainState<NotebookState>> ReadAsync(IGrainStorage storage, GrainId grain)
    {
        var state = new GrainState<NotebookState>(new NotebookState());
        await storage.ReadStateAsync("notebook", grain, state);
        return state;
    }

    private static async Task<bool> TryAddAsync(IGrainStorage storage, GrainId grain, GrainState<NotebookState> state)
    {
        state.State = state.State! with { Sum = state.State.Sum + 1 };
        try
        {
            await storage.WriteStateAsync("notebook", grain, state);
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }
}

/// <summary>Grain state in a SQLite file.</summary>
public sealed class SqliteGrainStorageTests : GrainStorageTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.File("state.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_left_when_the_silo_has_ended_is_one_file()
    {
        await using (StorageCluster cluster = await StartAsync())
        {
            await cluster.Notebook("a").WriteAsync("kept");
        }

        Directory.EnumerateFiles(_folder.Path).Should().Equal([Database], "a stopped run is one file that can be copied");
    }

    private protected override void Configure(ISiloBuilder silo) => silo.AddSqliteGrainStorage(Database);

    private protected override object Execute(string text)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar()!;
    }
}

/// <summary>Grain state in PostgreSQL.</summary>
[Collection(PostgresGroup.Name)]
public sealed class PostgresGrainStorageTests(PostgresServer server) : GrainStorageTests
{
    private readonly StoreAddress _store = server.NewDatabase();

    private protected override void Configure(ISiloBuilder silo) => silo.AddPostgresGrainStorage(_store);

    private protected override object Execute(string text) => PostgresServer.Scalar(_store, text)!;
}
