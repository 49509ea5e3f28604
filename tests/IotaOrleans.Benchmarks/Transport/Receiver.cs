using System.Diagnostics;
using System.Globalization;
using System.Net;
using IotaOrleans.Host.Hosting;

namespace IotaOrleans.Benchmarks.Transport;

/// <summary>The receiving process, seen from the sending one.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly Process _process;

    private Receiver(Process process) => _process = process;

    /// <summary>Where its plain loop listens.</summary>
    public required IPEndPoint PlainLoop { get; init; }

    public static async Task<Receiver> StartAsync(SiloEndpoints sender)
    {
        var program = Environment.ProcessPath!;
        var isDotnet = Path.GetFileNameWithoutExtension(program) == "dotnet";
        string[] arguments = [ReceiverProcess.Name, "--cluster-id", sender.ClusterId, "--primary-port", sender.SiloPort.ToString(CultureInfo.InvariantCulture)];
        var process = Process.Start(new ProcessStartInfo(program, isDotnet ? [typeof(Receiver).Assembly.Location, .. arguments] : arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the receiving process ended before it was ready");
        return new Receiver(process) { PlainLoop = new IPEndPoint(IPAddress.Loopback, int.Parse(line, CultureInfo.InvariantCulture)) };
    }

    /// <summary>Managed bytes that it has allocated so far.</summary>
    public async Task<long> AllocatedAsync()
    {
        await _process.StandardInput.WriteLineAsync(ReceiverProcess.Allocated);
        await _process.StandardInput.FlushAsync();
        return long.Parse((await _process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
