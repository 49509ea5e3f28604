using System.Collections.Immutable;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Training.Models;

/// <summary>A tensor's place in a stage's flat vector.</summary>
/// <param name="Name">Its Hugging Face name.</param>
/// <param name="Shape">Rows and columns, or one length.</param>
/// <param name="Offset">Index of its first element.</param>
/// <param name="Count">Number of elements.</param>
public sealed record ParameterSlot(string Name, ImmutableArray<long> Shape, long Offset, long Count)
{
    /// <summary>Bytes of the tensor in fp32.</summary>
    public long ByteCount => Count * sizeof(float);
}

/// <summary>
/// How a stage's tensors lie in one flat vector: matrices first, so that weight decay applies to a prefix, then norm weights; within
/// both in the order of the data flow, so that query, key and value, and gate and up, are neighbours and can be one matrix.
/// </summary>
public sealed class ParameterLayout
{
    private readonly Dictionary<string, ParameterSlot> _byName;

    private ParameterLayout(ImmutableArray<ParameterSlot> slots)
    {
        Slots = slots;
        Count = slots.Sum(slot => slot.Count);
        MatrixCount = slots.Where(slot => slot.Shape.Length > 1).Sum(slot => slot.Count);
        _byName = slots.ToDictionary(slot => slot.Name, StringComparer.Ordinal);
    }

    /// <summary>All tensors, in the order of the flat vector.</summary>
    public ImmutableArray<ParameterSlot> Slots { get; }

    /// <summary>Number of parameters.</summary>
    public long Count { get; }

    /// <summary>Number of parameters in matrices, which come first.</summary>
    public long MatrixCount { get; }

    /// <summary>The layout of a stage. With tied embeddings the first and the last stage both hold the embedding.</summary>
    public static ParameterLayout Of(ModelConfiguration model, BlockRange blocks)
    {
        var isFirst = blocks.First == 0;
        var isLast = blocks.End == model.BlockCount;
        var tensors = LlamaTensors.All(model).Where(tensor => tensor.Kind switch
        {
            LlamaTensorKind.Embedding => isFirst || (isLast && model.TiedEmbeddings),
            LlamaTensorKind.Block => tensor.BlockIndex >= blocks.First && tensor.BlockIndex < blocks.End,
            _ => isLast,
        });

        var slots = ImmutableArray.CreateBuilder<ParameterSlot>();
        long offset = 0;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Shape.Count == 1))
        {
            var count = tensor.Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));
            slots.Add(new ParameterSlot(tensor.Name, [.. tensor.Shape], offset, count));
            offset += count;
        }

        return new ParameterLayout(slots.ToImmutable());
    }

    /// <summary>Trainable parameters of a whole model.</summary>
    public static long CountParameters(ModelConfiguration model) => Of(model, new BlockRange(0, model.BlockCount)).Count;

    /// <summary>Whether the stage has a tensor.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>Finds a tensor.</summary>
    /// <exception cref="KeyNotFoundException">The stage has no such tensor.</exception>
    public ParameterSlot this[string name] =>
        _byName.TryGetValue(name, out var slot) ? slot : throw new KeyNotFoundException($"this stage has no tensor {name}");
}
