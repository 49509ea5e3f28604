using System.Buffers;
using System.Numerics;

namespace IotaOrleans.Tensors;

/// <summary>
/// Keeps what encoding leaves out of a replica's updates and adds it to the next one (Seide et al., 2014; Sarfi et al., 2025): in the long
/// run everything arrives. residual ← decay · residual + update, then residual ← residual − decoded.
/// </summary>
public sealed class ErrorFeedback
{
    /// <summary>SparseLoCo's decay: old news counts for less.</summary>
    public const float DefaultDecay = 0.95f;

    private const int BlockLength = 4096;

    private readonly float[] _residual;
    private readonly float _decay;

    /// <summary>Creates a residual of zeros.</summary>
    /// <param name="count">Length of the updates.</param>
    /// <param name="decay">What remains of the residual in the next round, from 0 to 1.</param>
    public ErrorFeedback(long count, float decay = DefaultDecay)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(decay);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(decay, 1f);
        _residual = new float[count];
        _decay = decay;
    }

    /// <summary>What was left out so far. It is state of the replica: a round that is taken back takes it back too.</summary>
    public Span<float> Residual => _residual;

    /// <summary>Encodes an update together with what the ones before left out, and keeps what this one leaves out.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="update">The update, or a range of it.</param>
    /// <param name="bytes">Receives the codec's bytes.</param>
    /// <param name="first">Index of the update's first value, a multiple of the codec's granularity.</param>
    /// <exception cref="UpdateFormatException">A value is infinite, no number or too large; the residual is as it was.</exception>
    public void Encode(UpdateCodec codec, ReadOnlySpan<float> update, Span<byte> bytes, int first = 0)
    {
        if (first % codec.Granularity != 0 || bytes.Length != codec.ByteCount(update.Length))
        {
            throw new UpdateFormatException(codec.Format, $"{update.Length:N0} values from {first:N0} on are no range of {codec.Granularity:N0}s, or not {bytes.Length:N0} bytes");
        }

        codec.RequireEncodable(update);
        // Block by block, so that what is encoded is decoded while it is in the cache.
        var length = Math.Max(1, BlockLength / codec.Granularity) * codec.Granularity;
        var decoded = ArrayPool<float>.Shared.Rent(length);
        try
        {
            for (var start = 0; start < update.Length; start += length)
            {
                var count = Math.Min(length, update.Length - start);
                var residual = _residual.AsSpan(first + start, count);
                var block = bytes[(int)codec.ByteCount(start)..(int)codec.ByteCount(start + count)];
                Add(residual, update.Slice(start, count));
                codec.Encode(residual, block);
                codec.Decode(block, decoded.AsSpan(0, count));
                Subtract(residual, decoded.AsSpan(0, count));
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(decoded);
        }
    }

    private void Add(Span<float> residual, ReadOnlySpan<float> update)
    {
        var i = 0;
        for (; i <= residual.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            ((new Vector<float>(residual[i..]) * _decay) + new Vector<float>(update[i..])).CopyTo(residual[i..]);
        }

        for (; i < residual.Length; i++)
        {
            residual[i] = (residual[i] * _decay) + update[i];
        }
    }

    private static void Subtract(Span<float> residual, ReadOnlySpan<float> decoded)
    {
        var i = 0;
        for (; i <= residual.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(residual[i..]) - new Vector<float>(decoded[i..])).CopyTo(residual[i..]);
        }

        for (; i < residual.Length; i++)
        {
            residual[i] -= decoded[i];
        }
    }
}
