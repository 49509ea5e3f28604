using System.Diagnostics;
using System.Runtime.CompilerServices;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.Storage;
using IotaOrleans.Host.Telemetry;
using IotaOrleans.Host.Web;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace IotaOrleans.Host.Hosting;

/// <summary>The control silo, in this process, with its page.</summary>
internal sealed class ControlHost : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    private readonly IHost _host;

    private ControlHost(IHost host, Uri? page)
    {
        _host = host;
        Page = page;
    }

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Address of the page, or null when none is served.</summary>
    public Uri? Page { get; }

    public static async Task<ControlHost> StartAsync(ControlHostOptions options, CancellationToken cancellationToken)
    {
        var host = options.Web is { } web ? WithPage(options, web) : WithoutPage(options);
        try
        {
            await host.StartAsync(cancellationToken);
            options.Logging.Started();
            return new ControlHost(host, options.Web is null ? null : PageOf(host));
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>What is wrong with the cluster's database at this moment, in one line, or null.</summary>
    public string? StoreWarning => _host.Services.GetService<StoreOutage>()?.Warning;

    /// <summary>Tells the cluster that a silo is gone, for one who knows it for certain, and waits until it is known. Its miners may not have been heard of yet.</summary>
    /// <param name="memberName">What the list of members calls it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task ForgetSiloAsync(string memberName, CancellationToken cancellationToken)
    {
        var membership = _host.Services.GetRequiredService<IClusterMembershipService>();
        await membership.Refresh(default, cancellationToken);
        if (membership.CurrentSnapshot.Members.Values.FirstOrDefault(member => member.Name == memberName) is not { } gone)
        {
            // It ended before it had joined.
            return;
        }

        await membership.TryKill(gone.SiloAddress);
        await foreach (var members in membership.MembershipUpdates.WithCancellation(cancellationToken))
        {
            if (members.GetSiloStatus(gone.SiloAddress).IsTerminating())
            {
                return;
            }
        }
    }

    /// <summary>Names of the silos that the cluster has declared dead, as it does; a name can come several times.</summary>
    public async IAsyncEnumerable<string> DeclaredDeadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var membership = _host.Services.GetRequiredService<IClusterMembershipService>();
        await foreach (var members in membership.MembershipUpdates.WithCancellation(cancellationToken))
        {
            foreach (var member in members.Members.Values.Where(member => member.Status == SiloStatus.Dead))
            {
                yield return member.Name;
            }
        }
    }

    /// <summary>Waits until the silos of some miners are known to be gone.</summary>
    /// <param name="miners">Miners that were there.</param>
    /// <param name="patience">How long at most.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Those whose silos are gone; none if all still seem to be there.</returns>
    public async Task<IReadOnlyList<string>> FindLostAsync(IReadOnlyList<string> miners, TimeSpan patience, CancellationToken cancellationToken)
    {
        var membership = _host.Services.GetRequiredService<IClusterMembershipService>();
        for (var clock = Stopwatch.StartNew(); miners.Count > 0; await Task.Delay(PollInterval, cancellationToken))
        {
            var silos = await Task.WhenAll(miners.Select(async miner => (await Grains.GetGrain<IMinerGrain>(miner).GetAsync()).Capability?.Silo));
            var active = membership.CurrentSnapshot.Members.Values.Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress.ToString()).ToHashSet();
            var lost = miners.Where((_, index) => silos[index] is not { } silo || !active.Contains(silo)).ToArray();
            if (lost.Length > 0 || clock.Elapsed > patience)
            {
                return lost;
            }
        }

        return [];
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(StopPatience);
        try
        {
            await _host.StopAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // Whatever still runs ends with the process; the run itself is already on disk.
        }

        _host.Dispose();
    }

    private static WebApplication WithPage(ControlHostOptions options, WebOptions web)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        Compose(builder, options);
        builder.AddIotaWeb(web);
        return builder.Build().UseIotaWeb();
    }

    private static IHost WithoutPage(ControlHostOptions options)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        Compose(builder, options);
        return builder.Build();
    }

    private static void Compose(IHostApplicationBuilder builder, ControlHostOptions options)
    {
        // Options come from the command line and IOTA_ variables alone, not from whatever lies in the current folder.
        builder.Configuration.Sources.Clear();
        options.Logging.Configure(builder.Logging);
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopPatience);
        builder.AddIotaTelemetry(options.Telemetry);
        builder.UseOrleans(silo =>
        {
            options.Endpoints.Configure(silo);
            if ((options.Store ?? options.Endpoints.Store) is { } store)
            {
                silo.AddPostgresGrainStorage(store);
            }
            else
            {
                silo.AddSqliteGrainStorage(options.Database);
            }

            silo.AddIotaOrleans(new IotaSiloOptions
            {
                Roles = options.Miners.Count > 0 ? [SiloRoles.Control, SiloRoles.Miner] : [SiloRoles.Control],
                Miners = options.Miners,
                Lanes = Lanes(options.Miners.Count),
                Transport = options.Endpoints.Transport,
                TensorPort = options.Endpoints.TensorPort,
            });
        });
        builder.Services.AddHostedService<MinerHeartbeat>();
    }

    /// <summary>One lane per miner, as far as there are cores.</summary>
    public static int Lanes(int miners) => Math.Clamp(miners, 1, Environment.ProcessorCount);

    private static Uri PageOf(IHost host)
    {
        var address = host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new Uri(address);
    }
}
