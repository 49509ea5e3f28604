using System.Runtime.InteropServices;

namespace IotaOrleans.Host.Doctor;

/// <summary>Is this a platform that the native library exists for?</summary>
internal sealed class RuntimeCheck : IDoctorCheck
{
    private static readonly string[] Platforms = ["linux-x64", "win-x64", "osx-arm64"];

    public string Name => ".NET";

    public Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        var platform = $"{system}-{RuntimeInformation.ProcessArchitecture}".ToLowerInvariant();
        var detail = $"{Environment.Version} on {RuntimeInformation.OSDescription.Trim()} ({platform})";
        return Task.FromResult(Platforms.Contains(platform)
            ? Finding.Good(Name, detail)
            : Finding.Bad(Name, detail, $"libtorch comes for {string.Join(", ", Platforms)} only: use one of these, for example in a container"));
    }
}
