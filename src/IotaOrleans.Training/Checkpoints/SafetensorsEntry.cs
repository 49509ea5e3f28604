namespace IotaOrleans.Training.Checkpoints;

/// <summary>A tensor of a safetensors file.</summary>
/// <param name="Name">Its unique name.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Shape">Its dimensions, outermost first; empty for a scalar.</param>
/// <param name="Offset">Its first byte, counted from the start of the file.</param>
/// <param name="Length">Its length in bytes.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDType DType, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>Number of elements.</summary>
    public long ElementCount => Length / DType.Size();
}
