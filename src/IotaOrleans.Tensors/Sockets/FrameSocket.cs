using System.Net.Sockets;

namespace IotaOrleans.Tensors;

/// <summary>
/// What both ends of a frame connection do with their sockets. Each direction has a thread that blocks: a frame then costs as few
/// wake-ups as it can, and neither waits for the thread pool nor keeps a control call waiting for it.
/// </summary>
internal static class FrameSocket
{
    private const int BufferByteCount = 4 << 20;

    public static void Configure(Socket socket)
    {
        socket.NoDelay = true;
        socket.SendBufferSize = BufferByteCount;
        socket.ReceiveBufferSize = BufferByteCount;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
    }

    /// <summary>Fills the span; false when the other side ended the connection before.</summary>
    public static bool TryReceiveAll(this Socket socket, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = socket.Receive(bytes);
            if (count == 0)
            {
                return false;
            }

            bytes = bytes[count..];
        }

        return true;
    }

    /// <summary>Between the chunks of a large frame, whoever waits for this core goes first: a control call takes microseconds.</summary>
    public static void LetOthersRun(int bytesLeft)
    {
        if (bytesLeft > 0)
        {
            Thread.Yield();
        }
    }

    /// <summary>Starts a thread that waits on a socket. The pool's threads are for those who do not wait.</summary>
    /// <returns>Completes when the thread ends.</returns>
    public static Task StartThread(string name, Action run)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            run();
            ended.SetResult();
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.UnsafeStart();
        return ended.Task;
    }
}
