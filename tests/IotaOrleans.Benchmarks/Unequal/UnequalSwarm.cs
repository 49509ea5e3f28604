using IotaOrleans.Grains.Hosting;
using Orleans;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace IotaOrleans.Benchmarks.Unequal;

/// <summary>A control silo, and for each miner a silo with one lane that computes for a share of the time: miners of several speeds on one machine.</summary>
internal sealed class UnequalSwarm : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;

    private UnequalSwarm(InProcessTestCluster cluster) => _cluster = cluster;

    public IGrainFactory Grains => _cluster.Client;

    public static async Task<UnequalSwarm> StartAsync(IReadOnlyList<(string Miner, double Share)> miners)
    {
        var index = -1;
        var builder = new InProcessTestClusterBuilder((short)(1 + miners.Count));
        builder.ConfigureSilo((_, silo) =>
        {
            var own = Interlocked.Increment(ref index);
            silo.AddIotaOrleans(own == 0
                ? new IotaSiloOptions { Roles = [SiloRoles.Control] }
                : new IotaSiloOptions { Roles = [SiloRoles.Miner], Miners = [miners[own - 1].Miner], Lanes = 1, ProcessorShare = miners[own - 1].Share });
            silo.AddMemoryGrainStorage(StorageNames.Control);
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new UnequalSwarm(cluster);
    }

    /// <summary>Starts a run and returns its events once it has ended.</summary>
    public async Task<IReadOnlyList<RunEvent>> TrainAsync(TrainingRunSpecification run)
    {
        await Grains.GetGrain<ITrainingRunGrain>(run.Run).StartAsync(run);
        return await FollowAsync(run.Run, _ => false);
    }

    /// <summary>Events up to one that is waited for, or the one that ends the run.</summary>
    public async Task<IReadOnlyList<RunEvent>> FollowAsync(string run, Func<RunEvent, bool> isAwaited)
    {
        var view = Grains.GetGrain<IRunViewGrain>(run);
        var events = new List<RunEvent>();
        while (!events.Exists(happened => happened is RunFinished or RunFailed or RunInterrupted || isAwaited(happened)))
        {
            events.AddRange(await view.GetEventsAsync(events.Count == 0 ? 0 : events[^1].Number, TimeSpan.FromSeconds(10)));
        }

        return events;
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();
}
