namespace IotaOrleans;

/// <summary>
/// How activations and their gradients travel between stages. It holds between any two stages, also of one process: what a run computes
/// does not depend on where its stages are.
/// </summary>
public enum WireFormat
{
    /// <summary>Single precision: nothing is lost.</summary>
    Float32,

    /// <summary>The upper half of a single, rounded to nearest: half the bytes, relative error up to 2⁻⁸.</summary>
    BFloat16,

    /// <summary>Eight bits and one scale per token, rounded to nearest: about a quarter of the bytes, error up to 1/254 of the token's largest value.</summary>
    Int8,
}
