using System.Globalization;
using TorchSharp;

namespace IotaOrleans.Training;

/// <summary>The native library that computes.</summary>
public static class TorchRuntime
{
    /// <summary>Loads the library and lets it compute something.</summary>
    /// <returns>Its version.</returns>
    /// <exception cref="IotaException">It cannot be loaded, or computes wrongly.</exception>
    public static string Load()
    {
        try
        {
            using var scope = torch.NewDisposeScope();
            var product = torch.ones(3, 3).matmul(torch.ones(3, 3)).sum().item<float>();
            return product == 27f
                ? torch.__version__
                : throw new IotaException(ExitCode.Environment, string.Create(CultureInfo.InvariantCulture, $"libtorch computes wrongly: 27 came out as {product}"));
        }
        catch (Exception failure) when (failure is TypeInitializationException or DllNotFoundException or NotSupportedException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new IotaException(ExitCode.Environment, $"libtorch cannot be loaded: {failure.GetBaseException().Message}", failure);
        }
    }
}
