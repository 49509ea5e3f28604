using System.Numerics;
using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Optimizers;

/// <summary>The norm of a gradient that is spread over stages: each contributes its sum of squares, all add them in stage order.</summary>
public static class GradientNorm
{
    /// <summary>Sum of squares in double precision, always added in the same order.</summary>
    public static double SumOfSquares(ReadOnlySpan<float> gradients)
    {
        var low = Vector<double>.Zero;
        var high = Vector<double>.Zero;
        ref var first = ref MemoryMarshal.GetReference(gradients);
        var i = 0;
        for (; i <= gradients.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.LoadUnsafe(ref first, (nuint)i), out var left, out var right);
            low += left * left;
            high += right * right;
        }

        var sum = Vector.Sum(low + high);
        for (; i < gradients.Length; i++)
        {
            sum += (double)gradients[i] * gradients[i];
        }

        return sum;
    }

    /// <summary>The factor that brings a gradient of the given norm down to the bound; one when it is within, or when the bound is zero.</summary>
    public static double ClipScale(double norm, double bound) => bound > 0 && norm > bound ? bound / (norm + 1e-6) : 1;
}
