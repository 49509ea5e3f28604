namespace IotaOrleans.Protocol.Merging;

/// <summary>Scales large updates down, so that one miner cannot drown the others with a long vector.</summary>
public static class NormClip
{
    /// <summary>
    /// Factor for each update: min(1, k·median/norm). The median is that of the norms of all who contribute, whatever their work, so the
    /// factors are the same in every cell. A norm that is no finite number gives zero.
    /// </summary>
    /// <param name="norms">Euclidean norms of the whole updates.</param>
    /// <param name="weights">Verified work; who has none does not count for the median.</param>
    /// <param name="clipFactor">k.</param>
    public static double[] Factors(ReadOnlySpan<double> norms, ReadOnlySpan<double> weights, double clipFactor)
    {
        var counted = new List<double>(norms.Length);
        for (var i = 0; i < norms.Length; i++)
        {
            if (weights[i] > 0 && double.IsFinite(norms[i]))
            {
                counted.Add(norms[i]);
            }
        }

        var bound = counted.Count == 0 ? 0 : clipFactor * Median(counted);
        var factors = new double[norms.Length];
        for (var i = 0; i < factors.Length; i++)
        {
            factors[i] = !double.IsFinite(norms[i]) ? 0 : norms[i] <= bound ? 1 : bound / norms[i];
        }

        return factors;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        var middle = values.Count / 2;
        return values.Count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
