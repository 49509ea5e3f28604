using System.Numerics;

namespace IotaOrleans.Training.Optimizers;

/// <summary>Adds gradients of the same parameters from different machines.</summary>
public static class GradientSum
{
    /// <summary>Adds one gradient to another, value by value.</summary>
    /// <param name="sum">What is added to.</param>
    /// <param name="gradient">What is added; as long as <paramref name="sum"/>.</param>
    /// <exception cref="ArgumentException">The two are not gradients of the same parameters.</exception>
    public static void Add(Span<float> sum, ReadOnlySpan<float> gradient)
    {
        if (sum.Length != gradient.Length)
        {
            throw new ArgumentException($"gradients of {sum.Length:N0} and {gradient.Length:N0} parameters cannot be added", nameof(gradient));
        }

        var i = 0;
        for (; i <= sum.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(sum[i..]) + new Vector<float>(gradient[i..])).CopyTo(sum[i..]);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] += gradient[i];
        }
    }
}
