namespace IotaOrleans.Training.Export;

/// <summary>Element type of the matrices in a GGUF file, under the numbers of ggml.</summary>
public enum GgufType
{
    /// <summary>IEEE single precision.</summary>
    F32 = 0,

    /// <summary>IEEE half precision; vectors stay in single precision.</summary>
    F16 = 1,
}
