using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using IotaOrleans.Tensors;

namespace IotaOrleans.Benchmarks.Transport;

/// <summary>The other side: a thread and a blocking socket; no header, no checksum, no pool.</summary>
internal sealed class PlainSender : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly byte[] _payload = new byte[FramePool.Shared.MaximumByteCount];

    public PlainSender(IPEndPoint receiver)
    {
        FrameSocket.Configure(_socket);
        _socket.Connect(receiver);
        new Random(1).NextBytes(_payload);
    }

    /// <returns>Bytes per second.</returns>
    public Task<double> SendAsync(int bytes, int frames, int underWay) => Task.Factory.StartNew(() => Send(bytes, frames, underWay), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public void Dispose() => _socket.Dispose();

    private double Send(int bytes, int frames, int underWay)
    {
        var length = BitConverter.GetBytes(bytes);
        var acknowledgement = new byte[1];
        List<ArraySegment<byte>> message = [length, new ArraySegment<byte>(_payload, 0, bytes)];
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < frames + underWay - 1; i++)
        {
            if (i < frames)
            {
                _socket.Send(message);
            }

            if (i >= underWay - 1 && _socket.Receive(acknowledgement) != 1)
            {
                throw new IOException("the plain loop ended");
            }
        }

        return (double)bytes * frames / clock.Elapsed.TotalSeconds;
    }
}
