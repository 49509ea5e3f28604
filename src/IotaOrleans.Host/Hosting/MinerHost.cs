using IotaOrleans.Grains.Hosting;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Host.Web;

namespace IotaOrleans.Host.Hosting;

/// <summary>A silo that hosts miners and nothing else.</summary>
internal static class MinerHost
{
    /// <summary>Makes the silo, without starting it.</summary>
    /// <param name="endpoints">How it finds its cluster.</param>
    /// <param name="own">What it offers; its roles and endpoints are filled in.</param>
    /// <param name="logging">Where its log goes.</param>
    /// <exception cref="IotaException">Its key cannot be used.</exception>
    public static IHost Build(SiloEndpoints endpoints, IotaSiloOptions own, HostLogging logging)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        logging.Configure(builder.Logging);
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        (own.Roles, own.Transport, own.TensorPort) = ([SiloRoles.Miner], endpoints.Transport, endpoints.TensorPort);
        builder.UseOrleans(silo =>
        {
            endpoints.Configure(silo);
            silo.AddIotaOrleans(own);
            silo.AddIotaDashboard();
        });
        builder.Services.AddHostedService<MinerHeartbeat>();
        var host = builder.Build();
        // A key that cannot be used is better known now than at the first segment.
        host.Services.GetRequiredService<MinerKey>();
        return host;
    }
}
