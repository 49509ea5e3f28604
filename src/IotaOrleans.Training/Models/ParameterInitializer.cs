using System.IO.Hashing;
using System.Text;

namespace IotaOrleans.Training.Models;

/// <summary>
/// Seeded initial weights that depend on the seed and a tensor's name alone, so that they are the same however the model is split and
/// on every machine: normal with the model's standard deviation, projections into the residual stream scaled down by the root of
/// twice the depth (Radford et al., 2019), norms at one.
/// </summary>
public static class ParameterInitializer
{
    /// <summary>Fills all parameters of a stage.</summary>
    public static void Initialize(StageParameters parameters, ModelConfiguration model, ulong seed)
    {
        var residual = model.InitializerRange / Math.Sqrt(2.0 * model.BlockCount);
        foreach (var slot in parameters.Layout.Slots)
        {
            var values = parameters.ValuesOf(slot.Name);
            if (slot.Shape.Length == 1)
            {
                values.Fill(1f);
                continue;
            }

            var entersResidual = slot.Name.EndsWith(".o_proj.weight", StringComparison.Ordinal) || slot.Name.EndsWith(".down_proj.weight", StringComparison.Ordinal);
            FillNormal(values, entersResidual ? residual : model.InitializerRange, Key(seed, slot.Name));
        }
    }

    private static ulong Key(ulong seed, string name) => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(name), unchecked((long)seed));

    /// <summary>Box and Muller, 1958, over a counter: value i never depends on its neighbours.</summary>
    private static void FillNormal(Span<float> values, double deviation, ulong key)
    {
        for (var i = 0; i < values.Length; i += 2)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - CounterRandom.Uniform(key, (ulong)i))) * deviation;
            var (sine, cosine) = Math.SinCos(2 * Math.PI * CounterRandom.Uniform(key, (ulong)i + 1));
            values[i] = (float)(radius * cosine);
            if (i + 1 < values.Length)
            {
                values[i + 1] = (float)(radius * sine);
            }
        }
    }
}
