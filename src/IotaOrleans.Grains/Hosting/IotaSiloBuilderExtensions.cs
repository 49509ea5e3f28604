using IotaOrleans.Grains.Placement;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Grains.Views;
using IotaOrleans.Tensors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace IotaOrleans.Grains.Hosting;

/// <summary>Makes a silo part of a training cluster.</summary>
public static class IotaSiloBuilderExtensions
{
    private const int CachedAddresses = 16_384;

    /// <summary>
    /// Adds what the grains need: roles, placement, lanes, transport. The caller adds clustering, and on control silos a grain storage
    /// named <see cref="StorageNames.Control"/>.
    /// </summary>
    public static ISiloBuilder AddIotaOrleans(this ISiloBuilder silo, IotaSiloOptions options)
    {
        silo.UseSiloMetadata(new Dictionary<string, string>
        {
            [SiloRoles.RolesKey] = string.Join(',', options.Roles),
            [SiloRoles.MinersKey] = string.Join(',', options.Miners),
        });
        silo.Configure<IotaSiloOptions>(target =>
        {
            target.Roles = options.Roles;
            target.Miners = options.Miners;
            target.Lanes = options.Lanes;
            target.ProcessorShare = options.ProcessorShare;
            target.KeyFile = options.KeyFile;
            target.Transport = options.Transport;
            target.TensorPort = options.TensorPort;
        });
        // Loading a stage happens inside an activation's first call, not in its activation; still, be generous with slow disks.
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromMinutes(2));
        // Its default is a million entries, and twenty megabytes before the first one.
        silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = CachedAddresses);
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<IWorkLedger, MemoryWorkLedger>();
        silo.Services.TryAddSingleton<IRunJournal, MemoryRunJournal>();
        silo.Services.AddSingleton<ComputeLanes>();
        silo.Services.AddSingleton<ValidatorLane>();
        silo.Services.AddSingleton<MinerKey>();
        silo.Services.AddSingleton<FrameInboxes>();
        silo.Services.AddSingleton<SiloFrameListener>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<SiloFrameListener>());
        silo.Services.AddSingleton<GrainTensorTransport>();
        if (options.Transport == TensorTransportKind.Socket)
        {
            silo.Services.AddSingleton<ITensorTransport, SocketTensorTransport>();
        }
        else
        {
            silo.Services.AddSingleton<ITensorTransport>(services => services.GetRequiredService<GrainTensorTransport>());
        }

        silo.Services.AddPlacementDirector<ControlPlacement, RolePlacementDirector>();
        silo.Services.AddPlacementDirector<MinerPlacement, RolePlacementDirector>();
        return silo;
    }
}
