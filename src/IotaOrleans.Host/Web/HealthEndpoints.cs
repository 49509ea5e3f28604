using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace IotaOrleans.Host.Web;

/// <summary>What an orchestrator asks: does the process run, and can the silo work.</summary>
internal static class HealthEndpoints
{
    private const string ReadyTag = "ready";

    /// <summary>Registers the checks behind <see cref="HostDefaults.ReadyPath"/>.</summary>
    public static IServiceCollection AddIotaHealth(this IServiceCollection services)
    {
        services.AddHealthChecks()
            .AddCheck<SiloHealthCheck>("silo", tags: [ReadyTag])
            .AddCheck<StorageHealthCheck>("storage", tags: [ReadyTag], timeout: TimeSpan.FromSeconds(5));
        return services;
    }

    /// <summary>Maps liveness and readiness. Anyone may ask: probes carry no token.</summary>
    public static void MapIotaHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks(HostDefaults.LivePath, new HealthCheckOptions { Predicate = _ => false, ResponseWriter = WriteAsync }).AllowAnonymous();
        endpoints.MapHealthChecks(HostDefaults.ReadyPath, new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag), ResponseWriter = WriteAsync })
            .AllowAnonymous();
    }

    private static Task WriteAsync(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(
        new HealthAnswer(
            report.Status == HealthStatus.Healthy ? "ok" : "unavailable",
            report.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Description ?? entry.Value.Status.ToString())),
        ApiJson.Options);

    private sealed record HealthAnswer(string Status, IReadOnlyDictionary<string, string> Checks);
}
