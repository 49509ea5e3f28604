using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Protocol.Validation;

/// <summary>Names a segment by what it says, and signs it by that name.</summary>
public static class SegmentHash
{
    // A new layout gets a new word here, so that no bytes mean two things.
    private static readonly byte[] Layout = "iota segment 1"u8.ToArray();

    /// <summary>SHA-256 of all that a segment says, without its seal.</summary>
    public static byte[] Of(SegmentRecord segment)
    {
        using var writer = new Writer();
        writer.Add(Layout);
        writer.Add(segment.Shard.ToString());
        writer.Add(segment.Index);
        writer.Add(segment.Start);
        writer.Add(segment.End);
        writer.Add(segment.LiveAtStart);
        writer.Add(segment.LiveAtEnd);
        writer.Add(segment.Ops.Length);
        foreach (var op in segment.Ops)
        {
            writer.Add((int)op.Kind);
            writer.Add(op.Number);
            writer.Add(op.Input);
            writer.Add(op.Output);
            writer.Add(op.Step);
            writer.Add(BitConverter.SingleToInt32Bits(op.Loss));
            writer.Add(op.LeftOut);
            writer.Add(op.Microseconds);
        }

        return writer.Finish();
    }

    /// <summary>The short name of a hash: its first 128 bits.</summary>
    public static UInt128 Short(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt128LittleEndian(hash);

    /// <summary>Signs a segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="key">The miner's key, on the curve P-256.</param>
    public static SegmentRecord Seal(SegmentRecord segment, ECDsa key)
    {
        var hash = Of(segment);
        return segment with { Seal = new SegmentSeal([.. hash], [.. key.ExportSubjectPublicKeyInfo()], [.. key.SignHash(hash)]) };
    }

    /// <summary>Whether a segment is signed, by the key that its seal names.</summary>
    public static bool IsSealed(SegmentRecord segment) =>
        segment.Seal is { } seal && seal.Hash.AsSpan().SequenceEqual(Of(segment)) && IsSigned(seal);

    /// <summary>Whether a seal's signature is that of its hash, by its key.</summary>
    public static bool IsSigned(SegmentSeal seal)
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(seal.PublicKey.AsSpan(), out _);
            return key.VerifyHash(seal.Hash.AsSpan(), seal.Signature.AsSpan());
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private sealed class Writer : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public void Add(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

        public void Add(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            Add(bytes.Length);
            Add(bytes);
        }

        public void Add(long value)
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            Add(bytes);
        }

        public void Add(UInt128 value)
        {
            Span<byte> bytes = stackalloc byte[16];
            BinaryPrimitives.WriteUInt128LittleEndian(bytes, value);
            Add(bytes);
        }

        public void Add(StateCommitment state)
        {
            Add(state.Weights);
            Add(state.FirstMoment);
            Add(state.SecondMoment);
            Add(state.LocalSteps);
        }

        public void Add(ImmutableArray<LivePassClaim> claims)
        {
            Add(claims.Length);
            foreach (var claim in claims)
            {
                Add(claim.Number);
                Add(claim.ForwardWeights);
                Add(claim.Input);
                Add(claim.BackwardWeights);
                Add(claim.Gradient);
            }
        }

        public byte[] Finish() => _hash.GetHashAndReset();

        public void Dispose() => _hash.Dispose();
    }
}
