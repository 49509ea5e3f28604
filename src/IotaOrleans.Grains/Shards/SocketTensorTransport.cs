using System.Collections.Concurrent;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Tensors;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Shards;

/// <summary>
/// Passes frames by reference within the silo, and over one lasting connection to each other silo. Which silo that is, the receiver's
/// grain says; the answer is kept until it proves wrong. A frame whose connection is lost, or whose shard has moved, is sent once more
/// after asking again: should it have arrived before, the inbox drops the double.
/// </summary>
internal sealed partial class SocketTensorTransport(
    FrameInboxes inboxes, GrainTensorTransport fallback, IGrainFactory grains, TimeProvider time, ILogger<SocketTensorTransport> logger) : ITensorTransport, IDisposable
{
    private static readonly FrameSocketOptions Options = new();

    private readonly ConcurrentDictionary<ShardKey, Route> _routes = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<FrameEndpoint, Task<FrameSendingConnection>> _connections = [];
    private readonly CancellationTokenSource _stopping = new();

    /// <inheritdoc />
    public Task SendAsync(ShardKey receiver, TensorFrame frame)
    {
        if (inboxes.TryGet(receiver, out var inbox))
        {
            inbox.Accept(frame);
            return Task.CompletedTask;
        }

        return SendToSiloAsync(receiver, frame);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Task<FrameSendingConnection>[] connections;
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            _stopping.Cancel();
            connections = [.. _connections.Values];
            _connections.Clear();
        }

        foreach (var connection in connections)
        {
            _ = CloseAsync(connection);
        }
    }

    private static async Task CloseAsync(Task<FrameSendingConnection> opening)
    {
        try
        {
            (await opening).Dispose();
        }
        catch (Exception failure) when (failure is FrameConnectionException or OperationCanceledException)
        {
            // It was never opened; whoever waited for it was told.
        }
    }

    private async Task SendToSiloAsync(ShardKey receiver, TensorFrame frame)
    {
        var route = _routes.GetOrAdd(receiver, _ => new Route());
        if (await TrySendAsync(receiver, route, frame, isRepeated: false) || await TrySendAsync(receiver, route, frame, isRepeated: true))
        {
            return;
        }

        // There is no shard, so the frame is of no use to anybody; a grain call would have dropped it just so.
        LogDropped(receiver);
        frame.Dispose();
    }

    /// <returns>Whether the frame's fate is decided; otherwise it is still ours.</returns>
    private async Task<bool> TrySendAsync(ShardKey receiver, Route route, TensorFrame frame, bool isRepeated)
    {
        var isOurs = true;
        FrameEndpoint? endpoint = null;
        try
        {
            Task<FrameReply> sent;
            // Calls leave in the order in which they came, also those that wait for the first answer or a new connection.
            await route.Turn.WaitAsync(_stopping.Token);
            try
            {
                endpoint = route.Endpoint ??= await grains.GetGrain<IFrameReceiverGrain>(receiver.ToString()).FindListenerAsync();
                if (endpoint is null)
                {
                    isOurs = false;
                    sent = SendByGrainAsync(receiver, frame);
                }
                else
                {
                    sent = (await ConnectAsync(endpoint)).SendAsync(receiver, frame);
                }
            }
            finally
            {
                route.Turn.Release();
            }

            var reply = await sent;
            switch (reply.Kind)
            {
                case FrameReplyKind.Refused:
                    throw new FrameFormatException(reply.Fault, reply.Message);
                case FrameReplyKind.NoSuchShard:
                    route.Forget(endpoint);
                    return false;
            }

            if (isOurs)
            {
                IotaInstruments.RecordWireBytes(frame.Header.Kind.ToString(), frame.Payload.Length);
                frame.Dispose();
            }

            return true;
        }
        catch (FrameConnectionException failure) when (!isRepeated && !_stopping.IsCancellationRequested)
        {
            LogRepeated(receiver, failure);
            route.Forget(endpoint);
            return false;
        }
        catch
        {
            route.Forget(endpoint);
            if (isOurs)
            {
                frame.Dispose();
            }

            throw;
        }
    }

    private async Task<FrameReply> SendByGrainAsync(ShardKey receiver, TensorFrame frame)
    {
        await fallback.SendAsync(receiver, frame);
        return new FrameReply(FrameReplyKind.Accepted);
    }

    private Task<FrameSendingConnection> ConnectAsync(FrameEndpoint endpoint)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
            if (_connections.TryGetValue(endpoint, out var known) && (!known.IsCompleted || (known.IsCompletedSuccessfully && !known.Result.IsClosed)))
            {
                return known;
            }

            foreach (var (other, connection) in _connections.ToArray())
            {
                if (connection.IsFaulted || (connection.IsCompletedSuccessfully && connection.Result.IsClosed))
                {
                    _connections.Remove(other);
                }
            }

            return _connections[endpoint] = FrameSendingConnection.OpenAsync(endpoint, Options, time, _stopping.Token);
        }
    }

    [LoggerMessage(LogLevel.Warning, "A frame for shard {Receiver} is sent once more")]
    private partial void LogRepeated(ShardKey receiver, Exception failure);

    [LoggerMessage(LogLevel.Debug, "A frame for shard {Receiver} was dropped: no silo has this shard")]
    private partial void LogDropped(ShardKey receiver);

    /// <summary>The way to one shard.</summary>
    private sealed class Route
    {
        private FrameEndpoint? _endpoint;

        /// <summary>Held from asking for the way until the frame has its place in the connection's queue.</summary>
        public SemaphoreSlim Turn { get; } = new(1);

        public FrameEndpoint? Endpoint
        {
            get => Volatile.Read(ref _endpoint);
            set => Volatile.Write(ref _endpoint, value);
        }

        /// <summary>Forgets an answer that proved wrong, unless a newer one took its place.</summary>
        public void Forget(FrameEndpoint? endpoint)
        {
            if (endpoint is not null)
            {
                Interlocked.CompareExchange(ref _endpoint, null, endpoint);
            }
        }
    }
}
