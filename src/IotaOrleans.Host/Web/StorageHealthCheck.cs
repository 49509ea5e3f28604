using Microsoft.Extensions.Diagnostics.HealthChecks;
using Orleans.Storage;

namespace IotaOrleans.Host.Web;

/// <summary>Whether the control grains' storage answers; a silo without it, such as a miner's, has nothing to ask.</summary>
internal sealed class StorageHealthCheck(IServiceProvider services) : IHealthCheck
{
    private static readonly GrainId Probe = GrainId.Create("health", "probe");

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (services.GetKeyedService<IGrainStorage>(StorageNames.Control) is not { } storage)
        {
            return HealthCheckResult.Healthy("this silo has no storage");
        }

        try
        {
            await storage.ReadStateAsync("health", Probe, new GrainState<ProbeState>(new ProbeState())).WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy("storage answers");
        }
        catch (Exception exception)
        {
            return HealthCheckResult.Unhealthy("storage does not answer", exception);
        }
    }

    /// <summary>Read, never written.</summary>
    internal sealed class ProbeState;
}
