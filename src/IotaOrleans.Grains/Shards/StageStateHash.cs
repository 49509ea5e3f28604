using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Shards;

/// <summary>Names the state of a stage: two replicas with the same hash go on to compute the same bits.</summary>
internal static class StageStateHash
{
    /// <summary>Hashes weights and optimizer state (the first 128 bits of SHA-256).</summary>
    public static UInt128 Of(StageTrainer trainer)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(trainer.Parameters.Values));
        hash.AppendData(MemoryMarshal.AsBytes(trainer.Optimizer.FirstMoment));
        hash.AppendData(MemoryMarshal.AsBytes(trainer.Optimizer.SecondMoment));
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(bytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }
}
