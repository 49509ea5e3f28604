using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace IotaOrleans.Tensors;

/// <summary>
/// The sending end of a connection. Many frames may be under way; they arrive in the order of the calls and are answered in that order.
/// When the connection is lost, every frame that was not answered fails.
/// </summary>
public sealed class FrameSendingConnection : IDisposable
{
    private const int MaximumWrittenByCaller = 1 << 20;
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly FrameEndpoint _endpoint;
    private readonly FrameSocketOptions _options;
    private readonly TimeProvider _time;
    private readonly BlockingCollection<PendingFrame> _queue = [];
    private readonly Lock _lock = new();
    private readonly Lock _writing = new();
    private readonly Queue<PendingFrame> _underWay = new();
    private readonly ArrayBufferWriter<byte> _head = new(1024);
    private readonly byte[] _checksum = new byte[FrameMessageFormat.ChecksumByteCount];
    private readonly List<ArraySegment<byte>> _segments = new(3);
    private readonly ITimer _watch;
    private Exception? _closed;
    private ulong _lastNumber;
    private long _lastProgress;

    private FrameSendingConnection(Socket socket, FrameEndpoint endpoint, FrameSocketOptions options, TimeProvider time)
    {
        _socket = socket;
        _endpoint = endpoint;
        _options = options;
        _time = time;
        _lastProgress = time.GetTimestamp();
        _watch = time.CreateTimer(_ => CloseIfStalled(), null, WatchInterval, WatchInterval);
        Completion = Task.WhenAll(FrameSocket.StartThread("frames out", Write), FrameSocket.StartThread("acknowledgements", Read));
    }

    /// <summary>Whether frames can no longer be sent.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) is not null;

    /// <summary>Completes, always successfully, when the connection is closed and nobody touches a frame any more.</summary>
    public Task Completion { get; }

    /// <summary>Connects and shows the secret.</summary>
    /// <exception cref="FrameConnectionException">Nobody listens there, or it is another listener than it was.</exception>
    public static Task<FrameSendingConnection> OpenAsync(FrameEndpoint endpoint, FrameSocketOptions options, TimeProvider time, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => Open(endpoint, options, time, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>
    /// Sends a frame, which stays the caller's and must not be changed or disposed before the task completes. Who awaits it goes on, without
    /// a context of its own, on the thread that reads the answers, and does not block there.
    /// </summary>
    /// <exception cref="FrameConnectionException">The connection was lost before the answer came.</exception>
    /// <exception cref="OperationCanceledException">The caller no longer waits; the frame may arrive all the same, unless nobody waited from the start.</exception>
    public Task<FrameReply> SendAsync(ShardKey receiver, TensorFrame frame, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<FrameReply>(cancellationToken);
        }

        PendingFrame pending;
        bool isWrittenHere;
        lock (_lock)
        {
            if (_closed is not null)
            {
                return Task.FromException<FrameReply>(_closed);
            }

            pending = new PendingFrame(++_lastNumber, receiver, frame);
            if (_underWay.Count == 0)
            {
                Progress();
            }

            // When everything before it is acknowledged, the kernel's buffer is empty and takes a small frame without a wait: cheaper
            // than waking a thread.
            isWrittenHere = _underWay.Count == 0 && frame.Payload.Length <= MaximumWrittenByCaller && _writing.TryEnter();
            _underWay.Enqueue(pending);
            if (!isWrittenHere)
            {
                _queue.Add(pending, CancellationToken.None);
            }
        }

        if (isWrittenHere)
        {
            try
            {
                WriteOrFail(pending);
            }
            finally
            {
                _writing.Exit();
            }
        }

        return cancellationToken.CanBeCanceled ? WithCancellationAsync(pending, cancellationToken) : pending.Completion;
    }

    /// <summary>Closes the connection; frames that were not answered fail.</summary>
    public void Dispose() => Close(new FrameConnectionException($"the connection for tensor frames to {_endpoint} was closed by this silo, which is stopping"));

    private static FrameSendingConnection Open(FrameEndpoint endpoint, FrameSocketOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var address = new IPEndPoint(IPAddress.Parse(endpoint.Host), endpoint.Port);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using var patience = new CancellationTokenSource(options.HelloTimeout, time);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            // The socket is never used asynchronously: that would make it a non-blocking one for ever. Disposing it ends the waiting.
            using (waiting.Token.UnsafeRegister(state => ((Socket)state!).Dispose(), socket))
            {
                FrameSocket.Configure(socket);
                socket.Connect(address);
                var hello = new byte[FrameMessageFormat.HelloByteCount];
                FrameMessageFormat.WriteHello(hello, endpoint.Secret);
                socket.Send(hello);
                if (!socket.TryReceiveAll(new byte[FrameMessageFormat.ReplyByteCount]))
                {
                    throw new FrameConnectionException($"the silo at {endpoint} closed the connection for tensor frames at once: it was restarted, or is of another version");
                }
            }

            waiting.Token.ThrowIfCancellationRequested();
            return new FrameSendingConnection(socket, endpoint, options, time);
        }
        catch (Exception failure)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw failure is FrameConnectionException
                ? failure
                : new FrameConnectionException($"no connection for tensor frames to {endpoint} ({failure.Message}); check that the silo runs and that its tensor port is open", failure);
        }
    }

    private static async Task<FrameReply> WithCancellationAsync(PendingFrame pending, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister((state, token) => ((PendingFrame)state!).Cancel(token), pending);
        return await pending.Completion;
    }

    private void Write()
    {
        foreach (var pending in _queue.GetConsumingEnumerable())
        {
            lock (_writing)
            {
                WriteOrFail(pending);
            }
        }
    }

    private void WriteOrFail(PendingFrame pending)
    {
        if (!pending.TryBeginWriting())
        {
            Skip(pending);
            return;
        }

        try
        {
            Write(pending);
        }
        catch (FrameFormatException refusal)
        {
            // Nothing of it was written yet.
            Skip(pending);
            pending.Fail(refusal);
        }
        catch (Exception failure)
        {
            Close(Lost(failure));
        }
        finally
        {
            pending.EndWriting();
        }
    }

    private void Write(PendingFrame pending)
    {
        var payload = pending.Frame.Payload;
        _head.ResetWrittenCount();
        FrameMessageFormat.WriteHead(_head, pending.Number, pending.Receiver, pending.Frame.Header, payload.Length);
        var checksum = FrameMessageFormat.Checksum(0, _head.WrittenSpan);
        _segments.Clear();
        _segments.Add(Segment(_head.WrittenMemory));
        do
        {
            var chunk = payload[..Math.Min(payload.Length, FrameMessageFormat.ChunkByteCount)];
            payload = payload[chunk.Length..];
            _segments.Add(Segment(chunk));
            SendSegments();
            // Hashed when the kernel has just read it: then it is in the cache, and the receiver is already at work.
            checksum = FrameMessageFormat.Checksum(checksum, chunk.Span);
            Progress();
            FrameSocket.LetOthersRun(payload.Length);
        }
        while (!payload.IsEmpty);

        BinaryPrimitives.WriteUInt64LittleEndian(_checksum, checksum);
        _segments.Add(_checksum);
        SendSegments();
    }

    private void SendSegments()
    {
        while (_segments.Count > 0)
        {
            var sent = _socket.Send(_segments);
            while (_segments.Count > 0 && sent >= _segments[0].Count)
            {
                sent -= _segments[0].Count;
                _segments.RemoveAt(0);
            }

            if (sent > 0)
            {
                _segments[0] = _segments[0][sent..];
            }
        }
    }

    private void Read()
    {
        try
        {
            var bytes = new byte[FrameMessageFormat.ReplyByteCount];
            while (_socket.TryReceiveAll(bytes))
            {
                var (number, reply, textByteCount) = FrameMessageFormat.ReadReply(bytes);
                if (textByteCount > 0)
                {
                    var text = new byte[textByteCount];
                    if (!_socket.TryReceiveAll(text))
                    {
                        break;
                    }

                    reply = reply with { Message = Encoding.UTF8.GetString(text) };
                }

                Answered(number).Answer(reply);
            }

            Close(Lost(null));
        }
        catch (Exception failure)
        {
            Close(Lost(failure));
        }
    }

    /// <summary>Finds the frame that a reply is for: the oldest one under way.</summary>
    private PendingFrame Answered(ulong number)
    {
        lock (_lock)
        {
            Progress();
            return _underWay.TryPeek(out var pending) && pending.Number == number
                ? _underWay.Dequeue()
                : throw new InvalidDataException($"an answer to frame {number} came out of turn");
        }
    }

    /// <summary>Forgets a frame that was not sent: no reply will come for it.</summary>
    private void Skip(PendingFrame skipped)
    {
        lock (_lock)
        {
            var kept = _underWay.Where(pending => pending != skipped).ToArray();
            _underWay.Clear();
            foreach (var pending in kept)
            {
                _underWay.Enqueue(pending);
            }
        }
    }

    private void Close(Exception reason)
    {
        PendingFrame[] unanswered;
        lock (_lock)
        {
            if (_closed is not null)
            {
                return;
            }

            _closed = reason;
            unanswered = [.. _underWay];
            _underWay.Clear();
        }

        _watch.Dispose();
        _queue.CompleteAdding();
        _socket.Dispose();
        foreach (var pending in unanswered)
        {
            pending.Fail(reason);
        }
    }

    private void CloseIfStalled()
    {
        bool waiting;
        lock (_lock)
        {
            waiting = _underWay.Count > 0;
        }

        if (waiting && _time.GetElapsedTime(Volatile.Read(ref _lastProgress)) > _options.ReplyTimeout)
        {
            Close(new FrameConnectionException($"{_endpoint} took no tensor frames and gave no answer for {_options.ReplyTimeout}; the connection was closed"));
        }
    }

    private FrameConnectionException Lost(Exception? failure) => new(
        $"the connection for tensor frames to {_endpoint} was lost ({failure?.Message ?? "the other side closed it"}); frames that were not acknowledged may not have arrived",
        failure);

    private void Progress() => Volatile.Write(ref _lastProgress, _time.GetTimestamp());

    private static ArraySegment<byte> Segment(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out var segment) ? segment : throw new InvalidOperationException("a frame's memory is an array");
}
