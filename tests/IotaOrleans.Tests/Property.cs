using CsCheck;

namespace IotaOrleans.Tests;

/// <summary>
/// Checks that something holds for many generated cases, the same ones in every run. When a case fails, CsCheck shrinks it and reports.
/// </summary>
internal static class Property
{
    private const int Cases = 100;

    /// <summary>Checks a property.</summary>
    /// <param name="generator">Makes the cases.</param>
    /// <param name="holds">Throws when the property does not hold.</param>
    /// <param name="cases">How many are checked.</param>
    public static void ForAll<T>(this Gen<T> generator, Action<T> holds, int cases = Cases)
    {
        var random = new PCG(stream: 1, seed: 2026);
        for (var number = 0; number < cases; number++)
        {
            var seed = random.ToString();
            var value = generator.Generate(random, null, out _);
            try
            {
                holds(value);
            }
            catch (Exception)
            {
                generator.Sample(holds, seed: seed, threads: 1);
                throw;
            }
        }
    }

    /// <summary>Checks a property that says whether it holds.</summary>
    /// <param name="generator">Makes the cases.</param>
    /// <param name="holds">Whether it holds.</param>
    /// <param name="cases">How many are checked.</param>
    public static void ForAll<T>(this Gen<T> generator, Func<T, bool> holds, int cases = Cases)
    {
        void Check(T value)
        {
            if (!holds(value))
            {
                throw new InvalidOperationException("The property does not hold.");
            }
        }

        generator.ForAll((Action<T>)Check, cases);
    }

    /// <inheritdoc cref="ForAll{T}(Gen{T}, Func{T, bool}, int)"/>
    public static void ForAll<T1, T2>(this Gen<(T1, T2)> generator, Func<T1, T2, bool> holds, int cases = Cases) =>
        generator.ForAll(it => holds(it.Item1, it.Item2), cases);

    /// <inheritdoc cref="ForAll{T}(Gen{T}, Func{T, bool}, int)"/>
    public static void ForAll<T1, T2, T3>(this Gen<(T1, T2, T3)> generator, Func<T1, T2, T3, bool> holds, int cases = Cases) =>
        generator.ForAll(it => holds(it.Item1, it.Item2, it.Item3), cases);

    /// <inheritdoc cref="ForAll{T}(Gen{T}, Action{T}, int)"/>
    public static void ForAll<T1, T2>(this Gen<(T1, T2)> generator, Action<T1, T2> holds, int cases = Cases) =>
        generator.ForAll(it => holds(it.Item1, it.Item2), cases);

    /// <inheritdoc cref="ForAll{T}(Gen{T}, Action{T}, int)"/>
    public static void ForAll<T1, T2, T3>(this Gen<(T1, T2, T3)> generator, Action<T1, T2, T3> holds, int cases = Cases) =>
        generator.ForAll(it => holds(it.Item1, it.Item2, it.Item3), cases);

    /// <inheritdoc cref="ForAll{T}(Gen{T}, Action{T}, int)"/>
    public static void ForAll<T1, T2, T3, T4>(this Gen<(T1, T2, T3, T4)> generator, Action<T1, T2, T3, T4> holds, int cases = Cases) =>
        generator.ForAll(it => holds(it.Item1, it.Item2, it.Item3, it.Item4), cases);

    /// <inheritdoc cref="ForAll{T}(Gen{T}, Action{T}, int)"/>
    public static void ForAll<T1, T2, T3, T4, T5>(this Gen<(T1, T2, T3, T4, T5)> generator, Action<T1, T2, T3, T4, T5> holds, int cases = Cases) =>
        generator.ForAll(it => holds(it.Item1, it.Item2, it.Item3, it.Item4, it.Item5), cases);

    /// <inheritdoc cref="ForAll{T}(Gen{T}, Action{T}, int)"/>
    public static void ForAll<T1, T2, T3, T4, T5, T6>(
        this Gen<(T1, T2, T3, T4, T5, T6)> generator, Action<T1, T2, T3, T4, T5, T6> holds, int cases = Cases) =>
        generator.ForAll(it => holds(it.Item1, it.Item2, it.Item3, it.Item4, it.Item5, it.Item6), cases);
}
