namespace IotaOrleans.Host;

/// <summary>Ports, paths and environment variables that the program and everything that deploys it agree on.</summary>
public static class HostDefaults
{
    /// <summary>Port of the page, the API, health and metrics in a cluster.</summary>
    public const int HttpPort = 8080;

    /// <summary>Port on which silos talk to each other.</summary>
    public const int SiloPort = 11111;

    /// <summary>Port on which silos send each other tensors, where it must be known beforehand.</summary>
    public const int TensorPort = 11112;

    /// <summary>The live page.</summary>
    public const string PagePath = "/";

    /// <summary>Root of the API.</summary>
    public const string ApiPath = "/api/v1";

    /// <summary>Answers as long as the process runs.</summary>
    public const string LivePath = "/health/live";

    /// <summary>Answers 200 when the silo is active and its storage answers.</summary>
    public const string ReadyPath = "/health/ready";

    /// <summary>Metrics in the Prometheus text format.</summary>
    public const string MetricsPath = "/metrics";

    /// <summary>Orleans' own dashboard.</summary>
    public const string OrleansDashboardPath = "/orleans";

    /// <summary>Address that the HTTP server listens on.</summary>
    public const string HttpAddressVariable = "IOTA_HTTP_ADDRESS";

    /// <summary>Port that the HTTP server listens on.</summary>
    public const string HttpPortVariable = "IOTA_HTTP_PORT";

    /// <summary>Token that opens the HTTP server to other machines.</summary>
    public const string DashboardTokenVariable = "IOTA_DASHBOARD_TOKEN";

    /// <summary>Port between silos.</summary>
    public const string SiloPortVariable = "IOTA_SILO_PORT";

    /// <summary>Port on which a silo takes tensors.</summary>
    public const string TensorPortVariable = "IOTA_TENSOR_PORT";

    /// <summary>How tensors go from silo to silo.</summary>
    public const string TransportVariable = "IOTA_TRANSPORT";

    /// <summary>Address under which other silos reach this one.</summary>
    public const string AdvertisedAddressVariable = "IOTA_ADVERTISED_ADDRESS";

    /// <summary>Folder that holds one folder per run.</summary>
    public const string RunsVariable = "IOTA_RUNS";

    /// <summary>The PostgreSQL database of a cluster.</summary>
    public const string StoreVariable = "IOTA_STORE";

    /// <summary>The control silo that a miner joins, as host:port.</summary>
    public const string ClusterVariable = "IOTA_CLUSTER";

    /// <summary>The miner's name.</summary>
    public const string MinerVariable = "IOTA_MINER";

    /// <summary>OpenTelemetry collector.</summary>
    public const string OtlpEndpointVariable = "IOTA_OTLP_ENDPOINT";

    /// <summary>The option that says how tensors go from silo to silo.</summary>
    public const string TransportOption = "--transport";

    /// <summary>The command of a control silo.</summary>
    public const string ServeCommand = "serve";

    /// <summary>The command of a miner's silo.</summary>
    public const string JoinCommand = "join";
}
