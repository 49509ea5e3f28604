using System.Diagnostics;
using static TorchSharp.torch;

namespace IotaOrleans.Training.Lanes;

/// <summary>Measures how fast a lane computes, by products of matrices as they occur in a model.</summary>
public static class SpeedProbe
{
    private const int Size = 256;
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(100);

    /// <summary>Measures for a tenth of a second. Runs on a lane.</summary>
    /// <returns>Billions of multiplications per second, the best of several tries: others may be busy, too.</returns>
    public static double Measure()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (left, right, product) = (ones(Size, Size), ones(Size, Size), ones(Size, Size));
        var best = TimeSpan.MaxValue;
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Duration)
        {
            var before = Stopwatch.GetTimestamp();
            product.addmm_(left, right, beta: 0, alpha: 1);
            var elapsed = Stopwatch.GetElapsedTime(before);
            best = elapsed < best ? elapsed : best;
        }

        return (double)Size * Size * Size / best.TotalSeconds / 1e9;
    }
}
