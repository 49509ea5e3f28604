using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using IotaOrleans.Tensors;
using Microsoft.Extensions.DependencyInjection;

namespace IotaOrleans.Benchmarks.Transport;

/// <summary>The receiving process: a silo whose shard gives every frame back at once, and beside it the plain socket loop that is the other side.</summary>
internal static class ReceiverProcess
{
    public const string Name = "transport-receiver";
    public const string Allocated = "allocated";

    public static Command Command()
    {
        var cluster = new Option<string>("--cluster-id") { Required = true };
        var port = new Option<int>("--primary-port") { Required = true };
        var command = new Command(Name, "The receiving silo. Started by the transport benchmark; leaves when its standard input ends.") { cluster, port };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            FrameSocket.Configure(listener);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            new Thread(() => Receive(listener)) { IsBackground = true, Name = "plain loop" }.Start();
            using var host = await BenchmarkSilo.StartAsync(
                BenchmarkSilo.Join(parsed.GetValue(cluster)!, new IPEndPoint(IPAddress.Loopback, parsed.GetValue(port))), BenchmarkSilo.Receiver.Miner);
            host.Services.GetRequiredService<FrameInboxes>().Register(BenchmarkSilo.Receiver, new EmptyingInbox());
            await Console.Out.WriteLineAsync(((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture));
            while (await Console.In.ReadLineAsync(cancellation) == Allocated)
            {
                await Console.Out.WriteLineAsync(GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture));
            }

            await host.StopAsync(cancellation);
        });
        return command;
    }

    /// <summary>The least that a receiver must do: read the length, read so many bytes into memory that is used again, say one byte.</summary>
    private static void Receive(Socket listener)
    {
        using var socket = listener.Accept();
        FrameSocket.Configure(socket);
        var buffer = new byte[FramePool.Shared.MaximumByteCount];
        Span<byte> length = stackalloc byte[4];
        while (socket.TryReceiveAll(length) && socket.TryReceiveAll(buffer.AsSpan(0, BitConverter.ToInt32(length))))
        {
            socket.Send([1]);
        }
    }

    private sealed class EmptyingInbox : IFrameInbox
    {
        public int Accept(TensorFrame frame)
        {
            frame.Dispose();
            return 64;
        }
    }
}
