using IotaOrleans.Host.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Storage;
using Orleans.TestingHost;

namespace IotaOrleans.ClusterTests.Storage;

/// <summary>A cluster whose control storage is a real SQLite file; a second cluster on the same file is its restart.</summary>
internal sealed class SqliteCluster : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;
    private readonly string _path;

    private SqliteCluster(string path, short silos, bool deleteOnClear)
    {
        _path = path;
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ServiceId = "iota-storage-test";
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddSqliteGrainStorage(path);
            silo.Services.Configure<AdoNetGrainStorageOptions>(SqliteStorageHostingExtensions.InnerName(StorageNames.Control), options => options.DeleteStateOnClear = deleteOnClear);
        });
        _cluster = builder.Build();
    }

    /// <summary>The storage provider of each silo.</summary>
    public IReadOnlyList<IGrainStorage> Storages => [.. _cluster.Silos.Select(silo =>
        _cluster.GetSiloServiceProvider(silo.SiloAddress).GetRequiredKeyedService<IGrainStorage>(StorageNames.Control))];

    public static async Task<SqliteCluster> StartAsync(string path, short silos = 1, bool deleteOnClear = false)
    {
        var cluster = new SqliteCluster(path, silos, deleteOnClear);
        await cluster._cluster.DeployAsync();
        return cluster;
    }

    public INotebookGrain Notebook(string key) => _cluster.Client.GetGrain<INotebookGrain>(key);

    /// <summary>Ends the activation, so that the next call reads the database.</summary>
    public Task ReloadAsync(INotebookGrain notebook) => _cluster.DeactivateAsync(notebook);

    /// <summary>Runs a statement past the provider and returns its only value.</summary>
    public T Query<T>(string text)
    {
        using var connection = new SqliteConnection($"Data Source={_path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        return (T)command.ExecuteScalar()!;
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
