using IotaOrleans.Host.Storage;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Storage;
using Orleans.TestingHost;

namespace IotaOrleans.ClusterTests.Storage;

/// <summary>A cluster whose control storage is a real database; a second cluster on the same one is its restart.</summary>
internal sealed class StorageCluster : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;

    private StorageCluster(Action<ISiloBuilder> configure, short silos, bool deleteOnClear)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ServiceId = "iota-storage-test";
        builder.ConfigureSilo((_, silo) =>
        {
            configure(silo);
            silo.Services.Configure<AdoNetGrainStorageOptions>(PatientStorage.InnerName(StorageNames.Control), options => options.DeleteStateOnClear = deleteOnClear);
        });
        _cluster = builder.Build();
    }

    /// <summary>The storage provider of each silo.</summary>
    public IReadOnlyList<IGrainStorage> Storages => [.. _cluster.Silos.Select(silo =>
        _cluster.GetSiloServiceProvider(silo.SiloAddress).GetRequiredKeyedService<IGrainStorage>(StorageNames.Control))];

    public static async Task<StorageCluster> StartAsync(Action<ISiloBuilder> configure, short silos = 1, bool deleteOnClear = false)
    {
        var cluster = new StorageCluster(configure, silos, deleteOnClear);
        await cluster._cluster.DeployAsync();
        return cluster;
    }

    public INotebookGrain Notebook(string key) => _cluster.Client.GetGrain<INotebookGrain>(key);

    /// <summary>Ends the activation, so that the next call reads the database.</summary>
    public Task ReloadAsync(INotebookGrain notebook) => _cluster.DeactivateAsync(notebook);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
