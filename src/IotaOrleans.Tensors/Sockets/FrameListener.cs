using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Tensors;

/// <summary>Accepts the connections over which other silos send frames to this silo's shards. A bad peer loses its own connection and no other.</summary>
public sealed partial class FrameListener : IAsyncDisposable
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly Socket _listener;
    private readonly ConcurrentDictionary<FrameReceivingConnection, Task> _connections = new();
    private readonly ITimer _watch;
    private readonly Task _accepting;
    private volatile bool _stopping;

    private FrameListener(Socket listener, FrameEndpoint endpoint, FrameInboxes inboxes, FramePool pool, FrameSocketOptions options, TimeProvider time, ILogger logger)
    {
        _listener = listener;
        Endpoint = endpoint;
        Inboxes = inboxes;
        Pool = pool;
        Options = options;
        Time = time;
        Logger = logger;
        _watch = time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>What a sender must know.</summary>
    public FrameEndpoint Endpoint { get; }

    /// <summary>Connections that are open now.</summary>
    public int Connections => _connections.Count;

    internal FrameInboxes Inboxes { get; }

    internal FramePool Pool { get; }

    internal FrameSocketOptions Options { get; }

    internal TimeProvider Time { get; }

    internal ILogger Logger { get; }

    /// <summary>Starts to listen.</summary>
    /// <param name="local">Address and port to listen on; port 0 takes any free one.</param>
    /// <param name="advertised">The address under which other silos reach it.</param>
    /// <param name="inboxes">The shards of this silo.</param>
    /// <param name="pool">Lends the memory of arriving frames; its limit is the largest frame.</param>
    /// <param name="options">Patience.</param>
    /// <param name="time">The clock of all timeouts.</param>
    /// <param name="logger">Hears of bad peers.</param>
    /// <exception cref="SocketException">The port cannot be used.</exception>
    public static FrameListener Start(IPEndPoint local, IPAddress advertised, FrameInboxes inboxes, FramePool pool, FrameSocketOptions options, TimeProvider time, ILogger logger)
    {
        var listener = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Accepted sockets inherit the buffers; the window is agreed in the handshake, so they must be set before it.
            FrameSocket.Configure(listener);
            listener.Bind(local);
            listener.Listen(128);
            var endpoint = FrameEndpoint.Create(advertised, ((IPEndPoint)listener.LocalEndPoint!).Port);
            return new FrameListener(listener, endpoint, inboxes, pool, options, time, logger);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Stops listening, closes all connections and waits until their frames are given back.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        await _watch.DisposeAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var connection in _connections.Keys)
        {
            connection.Close();
        }

        await Task.WhenAll(_connections.Values);
    }

    private async Task AcceptAsync()
    {
        while (!_stopping)
        {
            try
            {
                Serve(await _listener.AcceptAsync());
            }
            catch (Exception) when (_stopping)
            {
                return;
            }
            catch (SocketException failure)
            {
                // A peer that left at once, or no file handles: neither is a reason to stop listening.
                LogNotAccepted(Logger, Endpoint, failure);
                await Task.Delay(AcceptPause, Time);
            }
        }
    }

    private void Serve(Socket socket)
    {
        if (_connections.Count >= Options.MaximumConnections)
        {
            LogTooMany(Logger, Endpoint, Options.MaximumConnections);
            socket.Dispose();
            return;
        }

        var connection = new FrameReceivingConnection(socket, this);
        // Known before it runs: whoever watches the connections, or closes them all, must not miss it.
        var served = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _connections[connection] = served.Task;
        FrameSocket.StartThread("frames in", () =>
        {
            connection.Run();
            _connections.TryRemove(connection, out _);
            served.SetResult();
        });
    }

    private void Watch()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.CloseIfStalled();
        }
    }

    [LoggerMessage(LogLevel.Warning, "A connection for tensor frames at {Endpoint} could not be accepted; listening on")]
    private static partial void LogNotAccepted(ILogger logger, FrameEndpoint endpoint, Exception failure);

    [LoggerMessage(LogLevel.Warning, "A connection for tensor frames at {Endpoint} was closed: there are {Count} already")]
    private static partial void LogTooMany(ILogger logger, FrameEndpoint endpoint, int count);
}
