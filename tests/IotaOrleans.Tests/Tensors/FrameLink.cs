using System.Net;
using System.Net.Sockets;
using IotaOrleans.Tensors;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace IotaOrleans.Tests.Tensors;

/// <summary>A listener on loopback with one shard, a pool of its own and a clock that stands still.</summary>
internal sealed class FrameLink : IAsyncDisposable
{
    public static readonly ShardKey Shard = new("run", 1, "miner-1");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FrameInboxes _inboxes = new();

    public FrameLink()
    {
        Inbox = new RecordingInbox();
        _inboxes.Register(Shard, Inbox);
        Listener = FrameListener.Start(new IPEndPoint(IPAddress.Loopback, 0), IPAddress.Loopback, _inboxes, Pool, Options, Time, NullLogger.Instance);
    }

    public FrameSocketOptions Options { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    /// <summary>The receiver's memory.</summary>
    public FramePool Pool { get; } = new(maximumByteCount: 4 << 20);

    public FrameListener Listener { get; }

    public RecordingInbox Inbox { get; }

    public Task<FrameSendingConnection> OpenAsync(FrameEndpoint? endpoint = null) =>
        FrameSendingConnection.OpenAsync(endpoint ?? Listener.Endpoint, Options, Time, CancellationToken.None).WaitAsync(Patience);

    /// <summary>A connection whose bytes the test writes itself.</summary>
    public Socket OpenRaw(bool sayHello = true)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)Patience.TotalMilliseconds };
        socket.Connect(IPAddress.Loopback, Listener.Endpoint.Port);
        if (sayHello)
        {
            var hello = new byte[FrameMessageFormat.HelloByteCount];
            FrameMessageFormat.WriteHello(hello, Listener.Endpoint.Secret);
            socket.Send(hello);
            ReadReply(socket)!.Value.Kind.Should().Be(FrameReplyKind.Accepted);
        }

        return socket;
    }

    /// <summary>The next reply, or null when the listener has closed the connection.</summary>
    public static FrameReply? ReadReply(Socket socket)
    {
        var bytes = new byte[FrameMessageFormat.ReplyByteCount];
        try
        {
            if (!socket.TryReceiveAll(bytes))
            {
                return null;
            }

            var (_, reply, textByteCount) = FrameMessageFormat.ReadReply(bytes);
            return socket.TryReceiveAll(new byte[textByteCount]) ? reply : null;
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.ConnectionReset)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync().AsTask().WaitAsync(Patience);
        Inbox.Dispose();
        Pool.Leased.Should().Be(0, "a closed listener holds no memory");
        Pool.LeasedBytes.Should().Be(0);
    }
}

/// <summary>Keeps the frames that arrive.</summary>
internal sealed class RecordingInbox : IFrameInbox, IDisposable
{
    private readonly List<TensorFrame> _frames = [];

    public IReadOnlyList<TensorFrame> Frames
    {
        get
        {
            lock (_frames)
            {
                return [.. _frames];
            }
        }
    }

    /// <summary>The credit is a thousand less what is here.</summary>
    public int Accept(TensorFrame frame)
    {
        lock (_frames)
        {
            _frames.Add(frame);
            return 1000 - _frames.Count;
        }
    }

    public void Dispose()
    {
        foreach (var frame in _frames)
        {
            frame.Dispose();
        }
    }
}
