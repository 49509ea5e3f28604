using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Training.Lanes;

/// <summary>
/// libtorch's vectorised elementary functions. What they return for special values, such as infinity for the exponential of a large
/// number, they load from a constant, and on processors with AVX-512 under a mask that is empty as long as no value is special. A load
/// under an empty mask does not map its page; while the page is not mapped, it is carried out by microcode, some hundreds of cycles each
/// time. Whether something else maps the page differs from process to process: in four of fourteen silo processes exponentials took forty
/// times as long, a quarter of all that a lane did.
/// </summary>
public static class VectorFunctions
{
    // Four of the widest vectors.
    private const int Values = 64;

    private static readonly float[] Special = [float.PositiveInfinity, float.NegativeInfinity, 1000, -1000, 0, -1];

    /// <summary>Lets the exponential and the logarithm, which models use, load what they return for special values: that maps its pages for the whole process.</summary>
    public static void Prepare()
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        foreach (var value in Special)
        {
            var values = full(Values, value);
            _ = values.exp();
            _ = values.log();
        }
    }
}
