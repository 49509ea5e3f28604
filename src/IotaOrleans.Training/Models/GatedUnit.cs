using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace IotaOrleans.Training.Models;

/// <summary>
/// The gate of SwiGLU (Shazeer, 2020): y = silu(gate) · up with silu(x) = x · σ(x), and its gradients. Each row of the input is a row of gates and a
/// row of ups, as one matrix product leaves them. One pass through memory each.
/// </summary>
internal static class GatedUnit
{
    /// <summary>Computes y.</summary>
    /// <param name="gateUp">Rows of [gates, ups].</param>
    /// <param name="width">Gates of one row.</param>
    /// <param name="output">Receives rows of the width.</param>
    public static void Forward(ReadOnlySpan<float> gateUp, int width, Span<float> output)
    {
        for (var row = 0; row < output.Length; row += width)
        {
            var gates = gateUp.Slice(2 * row, width);
            var ups = gateUp.Slice((2 * row) + width, width);
            ref var gate = ref MemoryMarshal.GetReference(gates);
            ref var up = ref MemoryMarshal.GetReference(ups);
            ref var y = ref MemoryMarshal.GetReference(output[row..]);
            var i = 0;
            for (; i <= width - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var x = Vector256.LoadUnsafe(ref gate, (nuint)i);
                (x * Sigmoid(x) * Vector256.LoadUnsafe(ref up, (nuint)i)).StoreUnsafe(ref y, (nuint)i);
            }

            for (; i < width; i++)
            {
                output[row + i] = gates[i] * Sigmoid(gates[i]) * ups[i];
            }
        }
    }

    /// <summary>The gradient by gates and ups.</summary>
    /// <param name="gateUp">What <see cref="Forward"/> read.</param>
    /// <param name="width">Gates of one row.</param>
    /// <param name="gradient">The gradient by the output.</param>
    /// <param name="inputGradient">Receives rows of [gradients by gates, gradients by ups].</param>
    public static void Backward(ReadOnlySpan<float> gateUp, int width, ReadOnlySpan<float> gradient, Span<float> inputGradient)
    {
        for (var row = 0; row < gradient.Length; row += width)
        {
            var gates = gateUp.Slice(2 * row, width);
            var ups = gateUp.Slice((2 * row) + width, width);
            var dys = gradient.Slice(row, width);
            var dGates = inputGradient.Slice(2 * row, width);
            var dUps = inputGradient.Slice((2 * row) + width, width);
            ref var gate = ref MemoryMarshal.GetReference(gates);
            ref var up = ref MemoryMarshal.GetReference(ups);
            ref var dy = ref MemoryMarshal.GetReference(dys);
            ref var dGate = ref MemoryMarshal.GetReference(dGates);
            ref var dUp = ref MemoryMarshal.GetReference(dUps);
            var i = 0;
            for (; i <= width - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var (x, change) = (Vector256.LoadUnsafe(ref gate, (nuint)i), Vector256.LoadUnsafe(ref dy, (nuint)i));
                var sigmoid = Sigmoid(x);
                var silu = x * sigmoid;
                (change * silu).StoreUnsafe(ref dUp, (nuint)i);
                // d silu/dx = σ + x σ (1 − σ)
                (change * Vector256.LoadUnsafe(ref up, (nuint)i) * (sigmoid + silu - (silu * sigmoid))).StoreUnsafe(ref dGate, (nuint)i);
            }

            for (; i < width; i++)
            {
                var sigmoid = Sigmoid(gates[i]);
                var silu = gates[i] * sigmoid;
                dUps[i] = dys[i] * silu;
                dGates[i] = dys[i] * ups[i] * (sigmoid + silu - (silu * sigmoid));
            }
        }
    }

    private static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + Vector256.Exp(-x));

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
}
