namespace IotaOrleans.Training.Models;

/// <summary>SplitMix64 (Steele et al., 2014) as a counter: the value at a place depends on key and place alone, on every machine.</summary>
internal static class CounterRandom
{
    /// <summary>A number in [0, 1).</summary>
    public static double Uniform(ulong key, ulong counter)
    {
        var state = key + ((counter + 1) * 0x9E3779B97F4A7C15);
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
        return ((state ^ (state >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
