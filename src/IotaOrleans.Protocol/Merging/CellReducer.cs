using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;

namespace IotaOrleans.Protocol.Merging;

/// <summary>
/// Makes one cell out of the miners' contributions. Everything is added up in double precision in the map's order, value by value, so
/// that every owner gets the same bits whatever the width of its processor's vectors.
/// </summary>
public static class CellReducer
{
    // Sums of so many values stay in the first cache while the contributions pass by.
    private const int Tile = 1024;

    // A stated norm went through other roundings than the sum it is compared with.
    private const double NormTolerance = 1.001;

    /// <summary>Reduces one cell.</summary>
    /// <param name="contributions">The miners' values in this cell, in the map's order; empty for who sent none.</param>
    /// <param name="weights">The miners' verified work. Who has none does not count.</param>
    /// <param name="norms">
    /// Euclidean norms of the miners' whole updates; needed for <see cref="MergeRule.NormClip"/>, else it may be empty. Who states less
    /// than this cell alone amounts to is left out.
    /// </param>
    /// <param name="settings">How to combine them.</param>
    /// <param name="output">Receives the cell; zeros when it is missing.</param>
    /// <exception cref="ArgumentException">Counts or lengths differ, or a weight is negative or not finite.</exception>
    public static CellReduction Reduce(
        ReadOnlySpan<ReadOnlyMemory<float>> contributions,
        ReadOnlySpan<double> weights,
        ReadOnlySpan<double> norms,
        MergeSettings settings,
        Span<float> output)
    {
        var clips = settings.Rule == MergeRule.NormClip;
        Check(contributions, weights, norms, clips, output.Length);
        var factors = clips ? NormClip.Factors(norms, weights, settings.ClipFactor) : [.. Enumerable.Repeat(1.0, weights.Length)];
        var notFinite = ImmutableArray.CreateBuilder<int>();
        var understated = ImmutableArray.CreateBuilder<int>();
        var counted = new List<Part>(contributions.Length);
        for (var i = 0; i < contributions.Length; i++)
        {
            if (contributions[i].Length != output.Length || weights[i] == 0)
            {
                continue;
            }

            if (!IsFinite(contributions[i].Span) || (clips && !double.IsFinite(norms[i])))
            {
                notFinite.Add(i);
            }
            else if (clips && Norm(contributions[i].Span) > norms[i] * NormTolerance)
            {
                understated.Add(i);
            }
            else
            {
                counted.Add(new Part(contributions[i], weights[i], factors[i]));
            }
        }

        output.Clear();
        if (settings.Rule == MergeRule.TrimmedMean)
        {
            TrimmedMean([.. counted], settings.Trim, output);
        }
        else
        {
            WeightedMean(counted, output);
        }

        return new CellReduction(counted.Count == 0, notFinite.ToImmutable(), understated.ToImmutable());
    }

    private static void WeightedMean(List<Part> parts, Span<float> output)
    {
        var total = parts.Sum(part => part.Weight);
        Span<double> tile = stackalloc double[Tile];
        for (var start = 0; start < output.Length; start += Tile)
        {
            var values = output[start..Math.Min(output.Length, start + Tile)];
            var sums = tile[..values.Length];
            sums.Clear();
            foreach (var part in parts)
            {
                AddScaled(part.Values.Span.Slice(start, values.Length), part.Weight / total * part.Clip, sums);
            }

            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (float)sums[i];
            }
        }
    }

    private static void AddScaled(ReadOnlySpan<float> values, double factor, Span<double> sums)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var totals = MemoryMarshal.Cast<double, Vector<double>>(sums);
        for (var i = 0; i < vectors.Length; i++)
        {
            Vector.Widen(vectors[i], out var low, out var high);
            totals[2 * i] += low * factor;
            totals[(2 * i) + 1] += high * factor;
        }

        for (var i = vectors.Length * Vector<float>.Count; i < values.Length; i++)
        {
            sums[i] += values[i] * factor;
        }
    }

    private static void TrimmedMean(Part[] parts, int trim, Span<float> output)
    {
        var dropped = Math.Min(trim, (parts.Length - 1) / 2);
        var values = new float[parts.Length];
        var order = new int[parts.Length];
        for (var position = 0; position < output.Length && parts.Length > 0; position++)
        {
            for (var i = 0; i < parts.Length; i++)
            {
                values[i] = parts[i].Values.Span[position];
                var place = i;
                for (; place > 0 && values[order[place - 1]] > values[i]; place--)
                {
                    order[place] = order[place - 1];
                }

                order[place] = i;
            }

            var (sum, total) = (0.0, 0.0);
            foreach (var i in order.AsSpan(dropped..^dropped))
            {
                sum += parts[i].Weight * values[i];
                total += parts[i].Weight;
            }

            output[position] = (float)(sum / total);
        }
    }

    /// <summary>The difference of a number from itself is zero unless it is no finite number.</summary>
    private static bool IsFinite(ReadOnlySpan<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (var vector in vectors)
        {
            if (!Vector.EqualsAll(vector - vector, Vector<float>.Zero))
            {
                return false;
            }
        }

        foreach (var value in values[(vectors.Length * Vector<float>.Count)..])
        {
            if (!float.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }

    private static double Norm(ReadOnlySpan<float> values)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += (double)value * value;
        }

        return Math.Sqrt(sum);
    }

    private static void Check(
        ReadOnlySpan<ReadOnlyMemory<float>> contributions, ReadOnlySpan<double> weights, ReadOnlySpan<double> norms, bool clips, int length)
    {
        if (weights.Length != contributions.Length || (clips && norms.Length != contributions.Length))
        {
            throw new ArgumentException($"{contributions.Length} contributions need as many weights, and norms where they are clipped", nameof(weights));
        }

        for (var i = 0; i < contributions.Length; i++)
        {
            if (contributions[i].Length != length && contributions[i].Length != 0)
            {
                throw new ArgumentException($"contribution {i} has {contributions[i].Length} values, the cell {length}", nameof(contributions));
            }

            if (!(weights[i] >= 0 && double.IsFinite(weights[i])))
            {
                throw new ArgumentException($"weight {i} is {weights[i]}: verified work is never negative", nameof(weights));
            }
        }
    }

    /// <summary>A contribution that counts.</summary>
    private sealed record Part(ReadOnlyMemory<float> Values, double Weight, double Clip);
}
