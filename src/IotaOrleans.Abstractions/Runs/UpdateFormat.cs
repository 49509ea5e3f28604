namespace IotaOrleans;

/// <summary>How a stage's pseudo-gradient travels when its replicas merge.</summary>
public enum UpdateFormat
{
    /// <summary>Single precision: nothing is lost.</summary>
    Float32,

    /// <summary>The upper half of a single, rounded to nearest: half the bytes, relative error up to 2⁻⁸.</summary>
    BFloat16,

    /// <summary>Eight bits per value and one scale per 256 values: about a quarter of the bytes.</summary>
    Int8,

    /// <summary>
    /// The 64 largest of each 4,096 values, with two bits each (Sarfi et al., 2025, "SparseLoCo"): a hundred and forty times fewer bytes. What is
    /// left out must be kept and sent later.
    /// </summary>
    TopK,
}
