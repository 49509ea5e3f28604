using System.Buffers.Binary;

namespace IotaOrleans.Host.Storage;

/// <summary>A short hash as its bytes; none for zero, which stands for nothing.</summary>
internal static class StoredHash
{
    private const int ByteCount = 16;

    public static byte[]? ToBytes(UInt128 hash)
    {
        if (hash == UInt128.Zero)
        {
            return null;
        }

        var bytes = new byte[ByteCount];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, hash);
        return bytes;
    }

    public static UInt128 FromBytes(byte[]? bytes) => bytes is null ? UInt128.Zero : BinaryPrimitives.ReadUInt128LittleEndian(bytes);
}
