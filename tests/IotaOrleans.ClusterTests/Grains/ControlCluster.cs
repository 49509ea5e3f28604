using IotaOrleans.Grains.Hosting;
using IotaOrleans.Grains.Rewards;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace IotaOrleans.ClusterTests.Grains;

/// <summary>One silo that stores control grains in memory; reloading a grain goes through the storage's JSON.</summary>
public sealed class ControlCluster : IAsyncLifetime
{
    private InProcessTestCluster? _cluster;

    public IGrainFactory Grains => _cluster!.Client;

    public IWorkLedger Ledger => _cluster!.Silos[0].ServiceProvider.GetRequiredService<IWorkLedger>();

    public async Task InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => silo.AddIotaOrleans(new IotaSiloOptions()).AddMemoryGrainStorage(StorageNames.Control));
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    /// <summary>Ends the grain's activation; the next call loads it from storage.</summary>
    public Task ReloadAsync(IAddressable grain) => _cluster!.DeactivateAsync(grain);

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}
