using System.Net;
using System.Net.Sockets;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.Telemetry;
using IotaOrleans.Host.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.ClusterTests.Web;

/// <summary>A silo with its web server, composed as the program composes it, on free loopback ports and with storage in memory.</summary>
internal sealed class WebSilo : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebSilo(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Urls.Single().Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal));
        Client = new HttpClient { BaseAddress = Address };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public IGrainFactory Grains => _app.Services.GetRequiredService<IGrainFactory>();

    public IServiceProvider Services => _app.Services;

    public static async Task<WebSilo> StartAsync(string address = "127.0.0.1", string? token = null, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var silo = FreePort();
        builder.UseOrleans(orleans => orleans
            .UseLocalhostClustering(silo, FreePort(), new IPEndPoint(IPAddress.Loopback, silo), serviceId: "web-tests", clusterId: Guid.NewGuid().ToString("N"))
            .AddIotaOrleans(new IotaSiloOptions())
            .AddMemoryGrainStorage(StorageNames.Control));
        builder.AddIotaTelemetry(new TelemetryOptions());
        builder.AddIotaWeb(new WebOptions { Address = address, DashboardToken = token });
        configure?.Invoke(builder);
        var app = builder.Build();
        app.UseIotaWeb();
        await app.StartAsync();
        return new WebSilo(app);
    }

    public IRunViewGrain View(string run) => Grains.GetGrain<IRunViewGrain>(run);

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>One web silo for a class of tests.</summary>
public sealed class WebSiloFixture : IAsyncLifetime
{
    internal WebSilo Silo { get; private set; } = null!;

    public async Task InitializeAsync() => Silo = await WebSilo.StartAsync();

    public async Task DisposeAsync() => await Silo.DisposeAsync();
}
