using IotaOrleans.Host.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Orleans.Storage;

namespace IotaOrleans.Host.Web;

/// <summary>Whether the control grains' storage answers; a silo without it, such as a miner's, has nothing to ask.</summary>
internal sealed class StorageHealthCheck(IServiceProvider services) : IHealthCheck
{
    private const string Silent = "storage does not answer";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly GrainId Probe = GrainId.Create("health", "probe");

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (services.GetKeyedService<IGrainStorage>(StorageNames.Control) is not { } storage)
        {
            return HealthCheckResult.Healthy("this silo has no storage");
        }

        if (services.GetService<StoreOutage>()?.Warning is not null)
        {
            // Asking would only wait with the others.
            return HealthCheckResult.Unhealthy(Silent);
        }

        try
        {
            await storage.ReadStateAsync("health", Probe, new GrainState<ProbeState>(new ProbeState())).WaitAsync(Patience, cancellationToken);
            return HealthCheckResult.Healthy("storage answers");
        }
        catch (Exception exception)
        {
            return HealthCheckResult.Unhealthy(Silent, exception);
        }
    }

    /// <summary>Read, never written.</summary>
    internal sealed class ProbeState;
}
