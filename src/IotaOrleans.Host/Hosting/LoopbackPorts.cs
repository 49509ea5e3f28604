using System.Net;
using System.Net.Sockets;

namespace IotaOrleans.Host.Hosting;

/// <summary>Finds and checks TCP ports of this machine.</summary>
internal static class LoopbackPorts
{
    /// <summary>A port that was free a moment ago.</summary>
    public static int Free()
    {
        using var listener = Listen(0);
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <exception cref="IotaException">Something else listens there, or this user may not.</exception>
    public static void Require(int port, string option)
    {
        if (port == 0)
        {
            return;
        }

        try
        {
            using var listener = Listen(port);
        }
        catch (SocketException failure)
        {
            var why = failure.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "is in use",
                SocketError.AccessDenied => "is not open to this user",
                _ => $"cannot be used ({failure.Message})",
            };
            throw new IotaException(ExitCode.Environment, $"port {port} {why}; choose another with {option}", failure);
        }
    }

    private static TcpListener Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
        listener.Start();
        return listener;
    }
}
