using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace IotaOrleans.Protocol.Merging;

/// <summary>The hash by which copies of cells and stages are compared: equal bits or not, nothing between.</summary>
public static class CopyHash
{
    /// <summary>The first 128 bits of SHA-256 over the values, little-endian: nobody can make a wrong copy that hashes like the right one.</summary>
    public static UInt128 Of(ReadOnlySpan<float> values) =>
        BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(MemoryMarshal.AsBytes(values)));
}
