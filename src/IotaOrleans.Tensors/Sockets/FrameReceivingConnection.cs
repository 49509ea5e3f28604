using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Tensors;

/// <summary>
/// The receiving end of a connection: reads message after message, each straight into pooled memory, and answers each. A message that
/// is bad but has a sane prefix is skipped and refused; when it is unclear where the next one begins, the connection ends.
/// </summary>
internal sealed partial class FrameReceivingConnection(Socket socket, FrameListener listener)
{
    /// <summary>Bytes that a peer may still send after the last answer; closing at once could destroy that answer on its way.</summary>
    private const int MaximumFarewell = 1 << 20;

    private readonly byte[] _reply = new byte[FrameMessageFormat.ReplyByteCount + FrameMessageFormat.MaximumReplyTextByteCount];
    private readonly string _peer = socket.RemoteEndPoint?.ToString() ?? "unknown";
    private byte[] _head = new byte[FrameMessageFormat.HelloByteCount];
    private long _lastProgress = listener.Time.GetTimestamp();
    private bool _isWelcome;
    private bool _isIdle;

    public void Run()
    {
        try
        {
            FrameSocket.Configure(socket);
            if (ReceiveHello())
            {
                while (ReceiveMessage())
                {
                }
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            LogLost(listener.Logger, _peer, failure);
        }
#pragma warning disable CA1031 // Whatever a peer or an inbox brings about ends this connection and nothing else.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            LogFailed(listener.Logger, _peer, failure);
        }
        finally
        {
            Close();
        }
    }

    public void Close() => socket.Dispose();

    public void CloseIfStalled()
    {
        var patience = _isWelcome ? listener.Options.StallTimeout : listener.Options.HelloTimeout;
        if (!Volatile.Read(ref _isIdle) && listener.Time.GetElapsedTime(Volatile.Read(ref _lastProgress)) > patience)
        {
            LogStalled(listener.Logger, _peer, patience);
            Close();
        }
    }

    private bool ReceiveHello()
    {
        if (!socket.TryReceiveAll(_head))
        {
            return false;
        }

        if (!FrameMessageFormat.IsHello(_head, listener.Endpoint.Secret))
        {
            LogNotWelcome(listener.Logger, _peer);
            return false;
        }

        _isWelcome = true;
        _head = new byte[FrameMessageFormat.MaximumHeadByteCount];
        Reply(0, new FrameReply(FrameReplyKind.Accepted));
        return true;
    }

    private bool ReceiveMessage()
    {
        // Between messages a peer may be silent for as long as it likes.
        Volatile.Write(ref _isIdle, true);
        if (!socket.TryReceiveAll(_head.AsSpan(0, FrameMessageFormat.PrefixByteCount)))
        {
            return false;
        }

        Progress();
        Volatile.Write(ref _isIdle, false);
        FramePrefix prefix;
        try
        {
            prefix = FrameMessageFormat.ReadPrefix(_head);
        }
        catch (FrameFormatException refusal)
        {
            Leave(BinaryPrimitives.ReadUInt64LittleEndian(_head.AsSpan(8)), refusal);
            return false;
        }

        if (ReceiveFrame(prefix) is not { } reply)
        {
            return false;
        }

        Reply(prefix.Number, reply);
        return true;
    }

    /// <summary>Reads the rest of a message.</summary>
    /// <returns>The answer, or null when the connection ended.</returns>
    private FrameReply? ReceiveFrame(FramePrefix prefix)
    {
        var head = _head.AsSpan(0, FrameMessageFormat.PrefixByteCount + prefix.ReceiverByteCount + prefix.HeaderByteCount);
        if (!socket.TryReceiveAll(head[FrameMessageFormat.PrefixByteCount..]))
        {
            return null;
        }

        var checksum = FrameMessageFormat.Checksum(0, head);
        TensorFrame? frame;
        ShardKey receiver;
        try
        {
            (receiver, var header) = FrameMessageFormat.ReadHead(head[FrameMessageFormat.PrefixByteCount..], prefix, listener.Pool.MaximumByteCount);
            frame = listener.Inboxes.TryGet(receiver, out _) ? TensorFrame.Rent(listener.Pool, header) : null;
        }
        catch (FrameFormatException refusal)
        {
            LogRefused(listener.Logger, _peer, refusal);
            return Skip(prefix) ? FrameReply.Refuse(refusal) : null;
        }

        if (frame is null)
        {
            return Skip(prefix) ? new FrameReply(FrameReplyKind.NoSuchShard) : null;
        }

        var delivered = false;
        try
        {
            if (!ReceivePayload(frame.Payload.Span, ref checksum) || !socket.TryReceiveAll(_head.AsSpan(0, FrameMessageFormat.ChecksumByteCount)))
            {
                return null;
            }

            if (BinaryPrimitives.ReadUInt64LittleEndian(_head) != checksum)
            {
                var refusal = new FrameFormatException(FrameFault.BadChecksum, $"the frame of {frame.Header.MicroBatch} was damaged on its way");
                LogRefused(listener.Logger, _peer, refusal);
                return FrameReply.Refuse(refusal);
            }

            // Looked for again: the shard may have left while the payload came in.
            if (!listener.Inboxes.TryGet(receiver, out var inbox))
            {
                return new FrameReply(FrameReplyKind.NoSuchShard);
            }

            delivered = true;
            return new FrameReply(FrameReplyKind.Accepted, inbox.Accept(frame));
        }
        finally
        {
            if (!delivered)
            {
                frame.Dispose();
            }
        }
    }

    /// <summary>Fills the payload and goes on with the checksum; false when the connection ended.</summary>
    private bool ReceivePayload(Span<byte> payload, ref ulong checksum)
    {
        do
        {
            var chunk = payload[..Math.Min(payload.Length, FrameMessageFormat.ChunkByteCount)];
            payload = payload[chunk.Length..];
            if (!socket.TryReceiveAll(chunk))
            {
                return false;
            }

            checksum = FrameMessageFormat.Checksum(checksum, chunk);
            Progress();
            FrameSocket.LetOthersRun(payload.Length);
        }
        while (!payload.IsEmpty);

        return true;
    }

    /// <summary>Reads over the payload of a message that is not wanted.</summary>
    private bool Skip(FramePrefix prefix)
    {
        var left = (long)prefix.PayloadByteCount + FrameMessageFormat.ChecksumByteCount;
        while (left > 0)
        {
            var count = socket.Receive(_head.AsSpan(0, (int)Math.Min(left, _head.Length)));
            if (count == 0)
            {
                return false;
            }

            left -= count;
            Progress();
        }

        return true;
    }

    private void Reply(ulong number, FrameReply reply)
    {
        var count = FrameMessageFormat.WriteReply(_reply, number, reply);
        var sent = 0;
        while (sent < count)
        {
            sent += socket.Send(_reply.AsSpan(sent, count - sent));
        }
    }

    /// <summary>Refuses what cannot be understood and ends the connection, in a way that lets the refusal arrive.</summary>
    private void Leave(ulong number, FrameFormatException refusal)
    {
        LogRefused(listener.Logger, _peer, refusal);
        Reply(number, FrameReply.Refuse(refusal));
        socket.Shutdown(SocketShutdown.Send);
        var left = MaximumFarewell;
        while (left > 0 && socket.Receive(_head) is > 0 and var count)
        {
            left -= count;
        }
    }

    private void Progress() => Volatile.Write(ref _lastProgress, listener.Time.GetTimestamp());

    [LoggerMessage(LogLevel.Debug, "The connection for tensor frames from {Peer} was lost")]
    private static partial void LogLost(ILogger logger, string peer, Exception failure);

    [LoggerMessage(LogLevel.Error, "The connection for tensor frames from {Peer} failed")]
    private static partial void LogFailed(ILogger logger, string peer, Exception failure);

    [LoggerMessage(LogLevel.Warning, "The connection for tensor frames from {Peer} was closed: nothing came for {Patience}")]
    private static partial void LogStalled(ILogger logger, string peer, TimeSpan patience);

    [LoggerMessage(LogLevel.Warning, "A connection for tensor frames from {Peer} was closed: it does not know this silo's secret, or its version is another")]
    private static partial void LogNotWelcome(ILogger logger, string peer);

    [LoggerMessage(LogLevel.Warning, "A tensor frame from {Peer} was refused")]
    private static partial void LogRefused(ILogger logger, string peer, Exception refusal);
}
