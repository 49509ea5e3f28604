using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Blake3;

namespace IotaOrleans.Grains.Validation;

/// <summary>
/// Names bytes by what they are: the first 128 bits of BLAKE3. Zero stands for no bytes. Lanes hash everything that
/// they work on, and BLAKE3 does it with vector instructions, many blocks at once, where SHA-256 takes one block after the other.
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
