using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace IotaOrleans.Host.Hosting;

/// <summary>Waits for a control silo that may still be starting: miners and their cluster come up in any order.</summary>
internal static class ControlSilo
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <exception cref="IotaException">Nobody answered in time.</exception>
    public static async Task WaitForAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(endpoint, cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
                return;
            }
            catch (Exception failure) when (failure is SocketException or TimeoutException)
            {
                if (clock.Elapsed >= Patience)
                {
                    throw new IotaException(
                        ExitCode.Environment,
                        $"nobody answers at {endpoint} ({failure.Message}); check --cluster, that the control silo runs, and the firewalls between",
                        failure);
                }
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }
}
