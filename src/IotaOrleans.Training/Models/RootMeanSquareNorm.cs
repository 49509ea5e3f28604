using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace IotaOrleans.Training.Models;

/// <summary>
/// RMSNorm (Zhang and Sennrich, 2019): y = x · w / √(mean(x²) + ε), row by row, and its gradients. One pass through memory each, where
/// elementary operations would take one apiece; vectors of a fixed width, so that every processor adds in the same order.
/// </summary>
internal static class RootMeanSquareNorm
{
    /// <summary>Normalises rows.</summary>
    /// <param name="input">Rows as long as the weight, one after the other.</param>
    /// <param name="weight">One factor per column.</param>
    /// <param name="epsilon">Added to the mean of the squares.</param>
    /// <param name="output">Receives the rows.</param>
    public static void Forward(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon, Span<float> output)
    {
        ref var w = ref MemoryMarshal.GetReference(weight);
        for (var start = 0; start < input.Length; start += weight.Length)
        {
            ref var x = ref MemoryMarshal.GetReference(input[start..]);
            ref var y = ref MemoryMarshal.GetReference(output[start..]);
            var squares = Vector256<float>.Zero;
            var i = 0;
            for (; i <= weight.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var value = Vector256.LoadUnsafe(ref x, (nuint)i);
                squares += value * value;
            }

            var sum = Vector256.Sum(squares);
            for (; i < weight.Length; i++)
            {
                sum += input[start + i] * input[start + i];
            }

            var inverse = Inverse(sum, weight.Length, epsilon);
            for (i = 0; i <= weight.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                (Vector256.LoadUnsafe(ref x, (nuint)i) * inverse * Vector256.LoadUnsafe(ref w, (nuint)i)).StoreUnsafe(ref y, (nuint)i);
            }

            for (; i < weight.Length; i++)
            {
                output[start + i] = input[start + i] * inverse * weight[i];
            }
        }
    }

    /// <summary>The gradients by the input and by the weight.</summary>
    /// <param name="input">What <see cref="Forward"/> normalised.</param>
    /// <param name="weight">One factor per column.</param>
    /// <param name="epsilon">Added to the mean of the squares.</param>
    /// <param name="gradient">The gradient by the output.</param>
    /// <param name="bypass">What reaches the input's gradient on another way, such as a residual connection; empty if there is none.</param>
    /// <param name="inputGradient">Receives the sum of both.</param>
    /// <param name="weightGradient">The gradient by the weight is added to it.</param>
    public static void Backward(
        ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon, ReadOnlySpan<float> gradient, ReadOnlySpan<float> bypass, Span<float> inputGradient, Span<float> weightGradient)
    {
        ref var w = ref MemoryMarshal.GetReference(weight);
        ref var dw = ref MemoryMarshal.GetReference(weightGradient);
        for (var start = 0; start < input.Length; start += weight.Length)
        {
            ref var x = ref MemoryMarshal.GetReference(input[start..]);
            ref var dy = ref MemoryMarshal.GetReference(gradient[start..]);
            ref var dx = ref MemoryMarshal.GetReference(inputGradient[start..]);
            var squares = Vector256<float>.Zero;
            var products = Vector256<float>.Zero;
            var i = 0;
            for (; i <= weight.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var value = Vector256.LoadUnsafe(ref x, (nuint)i);
                squares += value * value;
                products += value * Vector256.LoadUnsafe(ref dy, (nuint)i) * Vector256.LoadUnsafe(ref w, (nuint)i);
            }

            var (sum, product) = (Vector256.Sum(squares), Vector256.Sum(products));
            for (; i < weight.Length; i++)
            {
                sum += input[start + i] * input[start + i];
                product += input[start + i] * gradient[start + i] * weight[i];
            }

            var inverse = Inverse(sum, weight.Length, epsilon);
            var slope = product * inverse * inverse * inverse / weight.Length;
            for (i = 0; i <= weight.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var (value, change) = (Vector256.LoadUnsafe(ref x, (nuint)i), Vector256.LoadUnsafe(ref dy, (nuint)i) * inverse);
                var by = (change * Vector256.LoadUnsafe(ref w, (nuint)i)) - (value * slope);
                if (!bypass.IsEmpty)
                {
                    by += Vector256.LoadUnsafe(in bypass[start], (nuint)i);
                }

                by.StoreUnsafe(ref dx, (nuint)i);
                (Vector256.LoadUnsafe(ref dw, (nuint)i) + (change * value)).StoreUnsafe(ref dw, (nuint)i);
            }

            for (; i < weight.Length; i++)
            {
                var (value, change) = (input[start + i], gradient[start + i] * inverse);
                inputGradient[start + i] = (change * weight[i]) - (value * slope) + (bypass.IsEmpty ? 0 : bypass[start + i]);
                weightGradient[i] += change * value;
            }
        }
    }

    private static float Inverse(float sumOfSquares, int count, float epsilon) => 1 / MathF.Sqrt((sumOfSquares / count) + epsilon);
}
