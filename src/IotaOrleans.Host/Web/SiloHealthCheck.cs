using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace IotaOrleans.Host.Web;

/// <summary>Whether this silo is an active member of its cluster.</summary>
internal sealed class SiloHealthCheck(ISiloStatusOracle silo) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(silo.CurrentStatus == SiloStatus.Active
            ? HealthCheckResult.Healthy("the silo is active")
            : HealthCheckResult.Unhealthy($"the silo is {silo.CurrentStatus}, not Active"));
}
