using IotaOrleans.Tests;
using Orleans.Storage;

namespace IotaOrleans.ClusterTests.Storage;

public sealed class SqliteGrainStorageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.File("state.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task State_is_written_read_again_and_overwritten()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database);
        INotebookGrain notebook = cluster.Notebook("a");
        (await notebook.HasRecordAsync()).Should().BeFalse();

        await notebook.WriteAsync("first ü");
        await cluster.ReloadAsync(notebook);
        (await notebook.ReadAsync()).Text.Should().Be("first ü");
        (await notebook.HasRecordAsync()).Should().BeTrue();
        await notebook.WriteAsync("second");
        await cluster.ReloadAsync(notebook);

        (await notebook.ReadAsync()).Text.Should().Be("second");
        cluster.Query<long>("SELECT Version FROM GrainState").Should().Be(2);
    }

    [Fact]
    public async Task A_cleared_grain_keeps_its_version_and_can_write_again()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database);
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        await notebook.ClearAsync();
        (await notebook.ReadAsync()).Text.Should().BeEmpty();
        cluster.Query<long>("SELECT Version FROM GrainState WHERE PayloadBinary IS NULL").Should().Be(2);

        await cluster.ReloadAsync(notebook);
        (await notebook.HasRecordAsync()).Should().BeFalse();
        await notebook.WriteAsync("second");
        await cluster.ReloadAsync(notebook);

        (await notebook.ReadAsync()).Text.Should().Be("second");
        cluster.Query<long>("SELECT Version FROM GrainState").Should().Be(3);
    }

    [Fact]
    public async Task A_cleared_grain_leaves_no_row_when_the_options_say_so()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database, deleteOnClear: true);
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        await notebook.ClearAsync();
        cluster.Query<long>("SELECT COUNT(*) FROM GrainState").Should().Be(0);

        await notebook.WriteAsync("second");
        await cluster.ReloadAsync(notebook);

        (await notebook.ReadAsync()).Text.Should().Be("second");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_writer_makes_writing_and_clearing_inconsistent(bool deleteOnClear)
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database, deleteOnClear: deleteOnClear);
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        cluster.Query<long>("UPDATE GrainState SET Version = Version + 1 RETURNING Version");

        await notebook.Invoking(other => other.WriteAsync("second")).Should().ThrowAsync<InconsistentStateException>();
        (await notebook.ReadAsync()).Text.Should().Be("first", "the failed activation ended, and the next one read the database");
        cluster.Query<long>("UPDATE GrainState SET Version = Version + 1 RETURNING Version");
        await notebook.Invoking(other => other.ClearAsync()).Should().ThrowAsync<InconsistentStateException>();

        (await notebook.ReadAsync()).Text.Should().Be("first");
        cluster.Query<long>("SELECT Version FROM GrainState").Should().Be(3);
    }

    [Fact]
    public async Task A_row_that_vanished_makes_writing_inconsistent()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database);
        INotebookGrain notebook = cluster.Notebook("a");
        await notebook.WriteAsync("first");
        cluster.Query<long>("DELETE FROM GrainState RETURNING Version");

        await notebook.Invoking(other => other.WriteAsync("second")).Should().ThrowAsync<InconsistentStateException>();
    }

    [Fact]
    public async Task A_first_write_loses_against_a_row_that_is_already_there()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database);
        IGrainStorage storage = cluster.Storages[0];
        var grain = GrainId.Create("notebook", "a");
        var early = new GrainState<NotebookState>(new NotebookState { Text = "early" });
        var late = new GrainState<NotebookState>(new NotebookState { Text = "late" });

        await storage.WriteStateAsync("notebook", grain, early);
        await storage.Invoking(other => other.WriteStateAsync("notebook", grain, late)).Should().ThrowAsync<InconsistentStateException>();

        cluster.Query<long>("SELECT COUNT(*) FROM GrainState").Should().Be(1);
        early.ETag.Should().Be("1");
        late.ETag.Should().BeNull();
    }

    [Fact]
    public async Task State_survives_a_restart_in_one_file()
    {
        byte[] bytes = new byte[1 << 20];
        new Random(7).NextBytes(bytes);
        await using (SqliteCluster cluster = await SqliteCluster.StartAsync(Database))
        {
            await cluster.Notebook("a").WriteAsync("kept", bytes);
        }

        Directory.EnumerateFiles(_folder.Path).Should().Equal([Database], "a stopped run is one file that can be copied");
        await using SqliteCluster restarted = await SqliteCluster.StartAsync(Database);

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
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database);
        await cluster.Notebook(left).WriteAsync("left");
        await cluster.Notebook(right).WriteAsync("right");
        await cluster.ReloadAsync(cluster.Notebook(left));

        (await cluster.Notebook(left).ReadAsync()).Text.Should().Be("left");
    }

    [Fact]
    public async Task Grain_types_do_not_share_state()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database);
        IGrainStorage storage = cluster.Storages[0];

        await storage.WriteStateAsync("state", GrainId.Create("left", "a"), new GrainState<NotebookState>(new NotebookState()));
        await storage.WriteStateAsync("state", GrainId.Create("right", "a"), new GrainState<NotebookState>(new NotebookState()));
        await storage.WriteStateAsync("other", GrainId.Create("left", "a"), new GrainState<NotebookState>(new NotebookState()));

        cluster.Query<long>("SELECT COUNT(*) FROM GrainState").Should().Be(3);
    }

    [Fact]
    public async Task Two_silos_write_at_once_and_lose_nothing()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database, silos: 2);

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

        cluster.Query<long>("SELECT SUM(Version) FROM GrainState").Should().Be(200);
    }

    [Fact]
    public async Task Of_two_silos_that_write_the_same_version_one_wins()
    {
        await using SqliteCluster cluster = await SqliteCluster.StartAsync(Database, silos: 2);
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
