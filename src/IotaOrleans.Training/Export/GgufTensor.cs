using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Training.Export;

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its dimensions, outermost first.</param>
/// <param name="Source">The Hugging Face name of what it holds.</param>
/// <param name="Heads">Heads whose rows are reordered, or 0.</param>
internal sealed record GgufTensor(string Name, GgufType Type, IReadOnlyList<long> Shape, string Source, int Heads = 0)
{
    public long ByteCount => Shape.Aggregate(1L, (product, dimension) => product * dimension) * Stored.Size();

    public SafetensorsDType Stored => Type == GgufType.F32 ? SafetensorsDType.F32 : SafetensorsDType.F16;
}
