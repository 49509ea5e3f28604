using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Benchmarks.Transport;
using IotaOrleans.Host.Hosting;

namespace IotaOrleans.Benchmarks.Compression;

/// <summary>The silo process that holds the second stage, so that the boundary lies between two processes.</summary>
internal static class TailProcess
{
    public const string Name = "compression-tail";
    public const string Miner = "miner-2";

    public static Command Command()
    {
        var cluster = new Option<string>("--cluster-id") { Required = true };
        var port = new Option<int>("--primary-port") { Required = true };
        var command = new Command(Name, "The silo of the second stage. Started by the compression benchmark; leaves when its standard input ends.") { cluster, port };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            using var host = await BenchmarkSilo.StartAsync(
                BenchmarkSilo.Join(parsed.GetValue(cluster)!, new IPEndPoint(IPAddress.Loopback, parsed.GetValue(port))), Miner);
            await Console.Out.WriteLineAsync("ready");
            await Console.In.ReadToEndAsync(cancellation);
            await host.StopAsync(cancellation);
        });
        return command;
    }

    /// <summary>Starts the process and waits until its silo has joined.</summary>
    public static async Task<Process> StartAsync(SiloEndpoints primary)
    {
        var process = ChildProgram.Start(
            "IotaOrleans.Benchmarks.dll", Name, "--cluster-id", primary.ClusterId, "--primary-port", primary.SiloPort.ToString(CultureInfo.InvariantCulture));
        // Nobody reads its errors as they come: a full pipe must not stop it.
        process.ErrorDataReceived += (_, line) => Console.Error.Write(string.IsNullOrEmpty(line.Data) ? "" : line.Data + "\n");
        process.BeginErrorReadLine();
        return await process.StandardOutput.ReadLineAsync() is null
            ? throw new InvalidOperationException("the silo of the second stage ended before it was ready")
            : process;
    }
}
