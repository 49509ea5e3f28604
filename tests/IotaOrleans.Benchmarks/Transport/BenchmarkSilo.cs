using System.Net;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;

namespace IotaOrleans.Benchmarks.Transport;

/// <summary>A real silo with nothing to train.</summary>
internal static class BenchmarkSilo
{
    /// <summary>The shard whose frames are measured.</summary>
    public static ShardKey Receiver { get; } = new("transport", 0, "receiver");

    public static async Task<IHost> StartAsync(SiloEndpoints endpoints, params string[] miners)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(new LineLoggerProvider(LogLevel.Error, (line, failure) => Console.Error.WriteLine($"{line} {failure?.Message}")));
        builder.UseOrleans(silo =>
        {
            endpoints.Configure(silo);
            silo.AddIotaOrleans(new IotaSiloOptions { Miners = miners });
            silo.AddMemoryGrainStorage(StorageNames.Control);
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>Endpoints of a further silo of the same cluster.</summary>
    public static SiloEndpoints Join(string cluster, IPEndPoint primary) => new(cluster, IPAddress.Loopback, LoopbackPorts.Free(), primary);
}
