using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.Web;

namespace IotaOrleans.Host.Hosting;

/// <summary>A silo that hosts miners and nothing else.</summary>
internal static class MinerHost
{
    public static IHost Build(SiloEndpoints endpoints, IReadOnlyList<string> miners, int lanes, double processorShare, HostLogging logging)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        logging.Configure(builder.Logging);
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        builder.UseOrleans(silo =>
        {
            endpoints.Configure(silo);
            silo.AddIotaOrleans(new IotaSiloOptions
            {
                Roles = [SiloRoles.Miner],
                Miners = miners,
                Lanes = lanes,
                ProcessorShare = processorShare,
                Transport = endpoints.Transport,
                TensorPort = endpoints.TensorPort,
            });
            silo.AddIotaDashboard();
        });
        builder.Services.AddHostedService<MinerHeartbeat>();
        return builder.Build();
    }
}
