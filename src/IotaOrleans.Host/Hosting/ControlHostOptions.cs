using IotaOrleans.Host.Storage;
using IotaOrleans.Host.Telemetry;
using IotaOrleans.Host.Web;

namespace IotaOrleans.Host.Hosting;

/// <summary>What a control silo is made of.</summary>
internal sealed record ControlHostOptions
{
    public required SiloEndpoints Endpoints { get; init; }

    /// <summary>The SQLite file of the control grains, if they are not kept in the store by which the cluster finds itself.</summary>
    public required string Database { get; init; }

    /// <summary>The database of the control grains where the cluster does not find itself by it, or null.</summary>
    public StoreAddress? Store { get; init; }

    /// <summary>Miners that this silo hosts beside its control grains.</summary>
    public IReadOnlyList<string> Miners { get; init; } = [];

    /// <summary>The page and the API, or null for none.</summary>
    public WebOptions? Web { get; init; }

    public TelemetryOptions Telemetry { get; init; } = new();

    public required HostLogging Logging { get; init; }
}
