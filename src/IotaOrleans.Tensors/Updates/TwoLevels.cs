namespace IotaOrleans.Tensors;

/// <summary>The two levels that stand for some magnitudes with the least squared error (Lloyd, 1957; Max, 1960).</summary>
internal static class TwoLevels
{
    /// <summary>Tries every cut of the ordered magnitudes into a lower and an upper part; a level is the mean of its part.</summary>
    /// <param name="magnitudes">In rising order.</param>
    /// <returns>Both levels, rounded to bf16.</returns>
    public static (float Low, float High) Fit(ReadOnlySpan<float> magnitudes)
    {
        var total = 0.0;
        foreach (var magnitude in magnitudes)
        {
            total += magnitude;
        }

        // The squared error is the sum of squares less what the means explain: the largest explained part wins, the first one among equals.
        var (low, high, best) = (total / magnitudes.Length, total / magnitudes.Length, total * total / magnitudes.Length);
        var lower = 0.0;
        for (var cut = 1; cut < magnitudes.Length; cut++)
        {
            lower += magnitudes[cut - 1];
            var upper = total - lower;
            var explained = (lower * lower / cut) + (upper * upper / (magnitudes.Length - cut));
            if (explained > best)
            {
                (low, high, best) = (lower / cut, upper / (magnitudes.Length - cut), explained);
            }
        }

        return (Round(low), Round(high));
    }

    /// <summary>Rounds to nearest, ties to even.</summary>
    private static float Round(double level)
    {
        var bits = BitConverter.SingleToUInt32Bits((float)level);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF_0000);
    }
}
