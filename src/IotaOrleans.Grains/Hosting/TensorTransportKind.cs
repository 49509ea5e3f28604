namespace IotaOrleans.Grains.Hosting;

/// <summary>How tensor frames go from silo to silo.</summary>
public enum TensorTransportKind
{
    /// <summary>Over a TCP connection of their own, one from each silo to each silo that it sends to.</summary>
    Socket,

    /// <summary>As arguments of grain calls, over the connections of the cluster.</summary>
    Grains,
}
