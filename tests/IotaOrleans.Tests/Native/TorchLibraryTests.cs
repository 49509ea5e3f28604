using IotaOrleans.Build;
using TorchSharp;

namespace IotaOrleans.Tests.Native;

public sealed class TorchLibraryTests
{
    private const string Glue = "libLibTorchSharp.so";

    [Fact]
    public void Torch_loads()
    {
        using torch.Tensor ones = torch.ones(3);
        using torch.Tensor sum = ones.sum();

        sum.item<float>().Should().Be(3);
    }

    [Fact]
    public void The_library_beside_the_program_is_weak_and_the_package_cache_is_untouched()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        byte[] output = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, Glue));
        output.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(WeakVersionNeed.Version)).Should().BePositive();
        WeakVersionNeed.Apply(output).Should().BeFalse("the build has done it");

        string cached = Path.Combine(PackageCache(), "torchsharp", typeof(torch).Assembly.GetName().Version!.ToString(3), "runtimes", "linux-x64", "native", Glue);
        if (File.Exists(cached))
        {
            byte[] original = File.ReadAllBytes(cached);
            WeakVersionNeed.Apply(original).Should().BeTrue("the package cache belongs to every program of its user");
            original.AsSpan().SequenceEqual(output).Should().BeTrue("nothing but the flag may differ");
        }
    }

    private static string PackageCache() => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
