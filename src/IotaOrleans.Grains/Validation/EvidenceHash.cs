using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace IotaOrleans.Grains.Validation;

/// <summary>Names bytes by what they are: the first 128 bits of SHA-256. Zero stands for no bytes.</summary>
internal static class EvidenceHash
{
    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return UInt128.Zero;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    public static UInt128 Of(ReadOnlySpan<float> values) => Of(MemoryMarshal.AsBytes(values));
}
