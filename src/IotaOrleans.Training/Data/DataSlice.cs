namespace IotaOrleans.Training.Data;

/// <summary>
/// Which tokens a step uses: pure functions of the seed, so that anyone can recompute what a miner was told to train on.
/// A sequence that starts at <c>o</c> reads tokens <c>[o, o + contextLength]</c>: the inputs and, one further, the targets.
/// </summary>
public static class DataSlice
{
    private const ulong GoldenRatio = 0x9E3779B97F4A7C15;

    /// <summary>
    /// Where each sequence of one micro-batch starts. The row <c>r</c> of a step depends on <c>r</c> alone, and micro-batch
    /// <c>m</c> of <c>k</c> sequences holds rows <c>m·k … m·k+k−1</c>: however a step is cut, it reads the same rows.
    /// </summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="split">The part of the data.</param>
    /// <param name="step">The step, from zero.</param>
    /// <param name="microBatch">The micro-batch within the step, from zero.</param>
    /// <param name="sequences">Sequences per micro-batch.</param>
    /// <param name="contextLength">Inputs per sequence, in tokens.</param>
    /// <param name="tokenCount">Tokens in the split; more than <paramref name="contextLength"/>.</param>
    public static long[] Offsets(ulong seed, DataSplit split, long step, int microBatch, int sequences, int contextLength, long tokenCount)
    {
        var starts = CountStarts(sequences, contextLength, tokenCount);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegative(microBatch);

        var key = Mix(seed + GoldenRatio);
        key = Mix(key + (((ulong)split + 1) * GoldenRatio));
        key = Mix(key + (((ulong)step + 1) * GoldenRatio));

        var offsets = new long[sequences];
        var firstRow = (ulong)microBatch * (ulong)sequences;
        for (var index = 0; index < sequences; index++)
        {
            var random = Mix(key + ((firstRow + (ulong)index + 1) * GoldenRatio));
            // The high half of the product is uniform in [0, starts) up to starts / 2^64, unlike a remainder.
            offsets[index] = (long)Math.BigMul(random, (ulong)starts, out _);
        }

        return offsets;
    }

    /// <summary>
    /// Where each validation sequence starts: evenly spaced from the first possible place to the last, the same at every
    /// evaluation. When fewer places exist than sequences are asked for, neighbours repeat.
    /// </summary>
    public static long[] ValidationOffsets(int sequences, int contextLength, long tokenCount)
    {
        var last = (Int128)(CountStarts(sequences, contextLength, tokenCount) - 1);
        var gaps = Math.Max(1, sequences - 1);
        var offsets = new long[sequences];
        for (var index = 0; index < sequences; index++)
        {
            offsets[index] = (long)(last * index / gaps);
        }

        return offsets;
    }

    private static long CountStarts(int sequences, int contextLength, long tokenCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sequences);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(contextLength);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(tokenCount, contextLength);
        return tokenCount - contextLength;
    }

    /// <summary>The output function of SplitMix64 (Steele, Lea and Flood, 2014).</summary>
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
