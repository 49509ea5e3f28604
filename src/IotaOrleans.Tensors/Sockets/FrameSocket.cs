using System.Net.Sockets;

namespace IotaOrleans.Tensors;

/// <summary>What both ends of a frame connection do with their sockets.</summary>
internal static class FrameSocket
{
    /// <summary>How much is hashed and handed to the kernel, or taken from it, at a time: small enough to still be in the cache.</summary>
    public const int ChunkByteCount = 256 << 10;

    private const int BufferByteCount = 4 << 20;

    public static void Configure(Socket socket)
    {
        socket.NoDelay = true;
        socket.SendBufferSize = BufferByteCount;
        socket.ReceiveBufferSize = BufferByteCount;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
    }

    /// <summary>Fills the memory; false when the other side ended the connection before.</summary>
    public static async ValueTask<bool> ReceiveAllAsync(this Socket socket, Memory<byte> memory)
    {
        while (!memory.IsEmpty)
        {
            var count = await socket.ReceiveAsync(memory, SocketFlags.None);
            if (count == 0)
            {
                return false;
            }

            memory = memory[count..];
        }

        return true;
    }
}
