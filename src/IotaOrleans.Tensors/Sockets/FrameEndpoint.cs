using System.Net;
using System.Security.Cryptography;

namespace IotaOrleans.Tensors;

/// <summary>Where a silo listens for frames, and the secret that opens the listener. Silos tell it to each other by grain calls only.</summary>
/// <param name="Host">IP address.</param>
/// <param name="Port">TCP port.</param>
/// <param name="Secret">Random for each start of a listener, so that another process on the same port is never taken for it.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.FrameEndpoint")]
public sealed record FrameEndpoint([property: Id(0)] string Host, [property: Id(1)] int Port, [property: Id(2)] string Secret)
{
    /// <summary>Creates an endpoint with a new secret.</summary>
    public static FrameEndpoint Create(IPAddress address, int port) =>
        new(address.ToString(), port, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(FrameMessageFormat.SecretByteCount)));

    /// <summary>The address alone: the secret belongs in no log.</summary>
    public override string ToString() => new IPEndPoint(IPAddress.Parse(Host), Port).ToString();
}
