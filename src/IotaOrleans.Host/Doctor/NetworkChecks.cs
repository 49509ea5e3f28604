using System.Net;
using System.Net.Sockets;
using IotaOrleans.Host.Hosting;

namespace IotaOrleans.Host.Doctor;

/// <summary>Can processes of this machine talk to each other?</summary>
internal sealed class LoopbackCheck : IDoctorCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public string Name => "loopback";

    public async Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            using var client = new TcpClient();
            var accepted = listener.AcceptTcpClientAsync(cancellationToken).AsTask();
            await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
            using var server = await accepted.WaitAsync(Patience, cancellationToken);
            return Finding.Good(Name, "127.0.0.1 listens and answers");
        }
        catch (Exception failure) when (failure is SocketException or TimeoutException)
        {
            return Finding.Bad(Name, $"127.0.0.1: {failure.Message}", "allow this program to use the loopback interface: a firewall or sandbox forbids it");
        }
    }
}

/// <summary>Are the ports that a control silo takes unless told otherwise free?</summary>
internal sealed class PortsCheck : IDoctorCheck
{
    private static readonly (int Port, string Option)[] Ports = [(HostDefaults.HttpPort, "--http-port"), (HostDefaults.SiloPort, "--silo-port")];

    public string Name => "ports";

    public Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var taken = Ports.Where(port => !IsFree(port.Port, port.Option)).ToArray();
        // Training takes free ports by itself; only 'serve' has fixed ones, and those can be chosen.
        return Task.FromResult(Finding.Good(Name, taken.Length == 0
            ? $"{string.Join(" and ", Ports.Select(port => port.Port))} are free for 'iota serve'"
            : string.Join("; ", taken.Select(port => $"{port.Port} is taken: 'iota serve' will need another {port.Option}"))));
    }

    private static bool IsFree(int port, string option)
    {
        try
        {
            LoopbackPorts.Require(port, option);
            return true;
        }
        catch (IotaException)
        {
            return false;
        }
    }
}
