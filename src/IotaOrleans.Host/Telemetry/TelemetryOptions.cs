namespace IotaOrleans.Host.Telemetry;

/// <summary>Under which name measurements are reported, and where they are sent.</summary>
internal sealed class TelemetryOptions
{
    /// <summary>The OpenTelemetry collector that receives metrics and traces, or null to send nothing anywhere.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>The service's name.</summary>
    public string ServiceName { get; init; } = "iota";

    /// <summary>Tells the processes of a cluster apart. Default: the machine's name.</summary>
    public string InstanceName { get; init; } = Environment.MachineName;
}
