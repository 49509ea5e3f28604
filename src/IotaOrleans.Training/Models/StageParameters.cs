using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Training.Models;

/// <summary>
/// All parameters of one stage in one flat fp32 vector, their gradients in a second one. Every tensor of the model is a view into
/// them, so that clipping, the optimizer, hashing, merging and checkpoints work on two plain vectors.
/// </summary>
public sealed class StageParameters : IDisposable
{
    private readonly Tensor _values;
    private readonly Tensor _gradients;
    private readonly List<StageWeight> _weights = [];

    /// <summary>Allocates the vectors; values are zero until they are loaded or initialised.</summary>
    public StageParameters(ParameterLayout layout)
    {
        Layout = layout;
        _values = zeros(layout.Count, ScalarType.Float32).DetachFromDisposeScope();
        _gradients = zeros(layout.Count, ScalarType.Float32).DetachFromDisposeScope();
    }

    /// <summary>Where each tensor lies.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>The values, in native memory.</summary>
    public Span<float> Values => AsSpan(_values);

    /// <summary>The accumulated gradients, in native memory.</summary>
    public Span<float> Gradients => AsSpan(_gradients);

    /// <summary>The values of one tensor.</summary>
    public Span<float> ValuesOf(string name) => Part(Values, name);

    /// <summary>The gradient of one tensor.</summary>
    public Span<float> GradientOf(string name) => Part(Gradients, name);

    /// <summary>One tensor as a weight of the model, or neighbours with the same number of columns, stacked by rows.</summary>
    internal StageWeight Weight(params ReadOnlySpan<string> names)
    {
        var first = Layout[names[0]];
        long rows = 0;
        var end = first.Offset;
        foreach (var name in names)
        {
            var slot = Layout[name];
            if (slot.Offset != end)
            {
                throw new InvalidOperationException($"{name} does not follow its fused neighbour in the flat vector");
            }

            rows += slot.Shape[0];
            end += slot.Count;
        }

        long[] shape = first.Shape.Length == 1 ? [rows] : [rows, first.Shape[1]];
        var weight = new StageWeight(View(_values), View(_gradients));
        _weights.Add(weight);
        return weight;

        Tensor View(Tensor vector)
        {
            using var part = vector.narrow(0, first.Offset, end - first.Offset);
            return part.view(shape).DetachFromDisposeScope();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var weight in _weights)
        {
            weight.Dispose();
        }

        _values.Dispose();
        _gradients.Dispose();
    }

    private static Span<float> AsSpan(Tensor vector) => MemoryMarshal.Cast<byte, float>(vector.bytes);

    private Span<float> Part(Span<float> vector, string name)
    {
        var slot = Layout[name];
        return vector.Slice(checked((int)slot.Offset), checked((int)slot.Count));
    }
}
