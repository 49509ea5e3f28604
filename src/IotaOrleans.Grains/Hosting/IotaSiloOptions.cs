namespace IotaOrleans.Grains.Hosting;

/// <summary>What a silo is for.</summary>
public sealed class IotaSiloOptions
{
    /// <summary>Roles from <see cref="SiloRoles"/>; a silo may have several. Default: all.</summary>
    public IReadOnlyList<string> Roles { get; set; } = [SiloRoles.Control, SiloRoles.Miner];

    /// <summary>Names of the miners whose shards this silo hosts.</summary>
    public IReadOnlyList<string> Miners { get; set; } = [];

    /// <summary>Most compute lanes, one thread each. Default: the processor cores of the machine.</summary>
    public int Lanes { get; set; } = Environment.ProcessorCount;

    /// <summary>Most of the time that each lane computes, above 0 and at most 1; for machines that have other work too.</summary>
    public double ProcessorShare { get; set; } = 1;

    /// <summary>File with the key by which the silo's miners sign what they did; it is made when it is missing. Null (default): a key that ends with the process.</summary>
    public string? KeyFile { get; set; }

    /// <summary>How frames go to other silos. Silos of one cluster may differ.</summary>
    public TensorTransportKind Transport { get; set; } = TensorTransportKind.Socket;

    /// <summary>Port on which this silo listens for frames if <see cref="Transport"/> is the socket; 0 (default) takes any free one.</summary>
    public int TensorPort { get; set; }
}
