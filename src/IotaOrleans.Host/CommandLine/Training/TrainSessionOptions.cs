using System.Net;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.Archive;
using IotaOrleans.Host.Storage;
using IotaOrleans.Host.Telemetry;
using IotaOrleans.Host.Web;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>How a session is run, apart from what is trained.</summary>
internal sealed record TrainSessionOptions
{
    /// <summary>Folder that holds one folder per run.</summary>
    public required string Runs { get; init; }

    /// <summary>The database of the cluster, or null for a file of the run.</summary>
    public StoreAddress? Store { get; init; }

    /// <summary>Where checkpoints are copied to, or null.</summary>
    public ArchiveAddress? Archive { get; init; }

    /// <summary>The page, or null for none.</summary>
    public WebOptions? Web { get; init; }

    public TelemetryOptions Telemetry { get; init; } = new();

    /// <summary>The address under which other silos reach the control silo.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>The control silo's port; zero for any free one.</summary>
    public int SiloPort { get; init; }

    /// <summary>How tensors go from silo to silo.</summary>
    public TensorTransportKind Transport { get; init; }

    public bool Verbose { get; init; }

    public required string SamplePrompt { get; init; }

    /// <summary>Length of the text at the end; zero for none.</summary>
    public required int SampleTokens { get; init; }
}
