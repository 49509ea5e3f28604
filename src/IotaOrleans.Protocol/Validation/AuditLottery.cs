using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Decides which segments are checked, from a secret that is committed to before an epoch and revealed after it: nobody can know before, and
/// everybody can see afterwards that nobody was spared and nobody singled out.
/// </summary>
public static class AuditLottery
{
    /// <summary>Bytes of a secret.</summary>
    public const int SecretByteCount = 32;

    /// <summary>Whether a segment is drawn.</summary>
    /// <param name="secret">The epoch's secret.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="segment">Index of the segment.</param>
    /// <param name="rate">Chance to be drawn, from 0 to 1.</param>
    public static bool IsDrawn(ReadOnlySpan<byte> secret, ShardKey shard, long segment, double rate)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"{shard}#{segment}"), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash) < rate * ulong.MaxValue;
    }

    /// <summary>What is published before the epoch: it determines the secret and does not show it.</summary>
    public static byte[] Commit(ReadOnlySpan<byte> secret) => SHA256.HashData(secret);

    /// <summary>Chance that at least one of n wrong segments is drawn: 1 − (1 − q)ⁿ.</summary>
    public static double DetectionProbability(double rate, int segments) => 1 - Math.Pow(1 - rate, segments);

    /// <summary>How often a miner is checked: its first segment always, before what it does can go into many merges; then more often than others, until it has passed some checks; and always while something speaks against it.</summary>
    /// <param name="settings">The run's settings.</param>
    /// <param name="drawn">Segments of the miner that were drawn so far.</param>
    /// <param name="passed">Checks that it has passed.</param>
    /// <param name="isSuspected">Whether something speaks against it.</param>
    public static double Rate(ValidationSettings settings, int drawn, int passed, bool isSuspected) =>
        settings.Rate == 0 ? 0 : isSuspected || drawn == 0 ? 1 : Math.Min(1, settings.Rate * (passed < settings.Probation ? settings.NewcomerFactor : 1));
}
