using System.Diagnostics;
using IotaOrleans.Host.CommandLine.Doctor;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Progress;

namespace IotaOrleans.Host.Doctor;

/// <summary>Does libtorch load? In a process of its own: a native library that fails may take its process with it.</summary>
internal sealed class TorchCheck : IDoctorCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public string Name => "libtorch";

    public async Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(OwnProgram.StartInfo(["doctor", DoctorCommand.ProbeOption]))!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            process.Kill();
            return Finding.Bad(Name, $"did not load within {Patience.TotalSeconds:0} s", "the disk or the machine is overloaded: try again when it is quieter");
        }

        if (process.ExitCode == 0)
        {
            return Finding.Good(Name, $"{(await output).Trim()}, loaded in {Figures.Duration(clock.Elapsed.TotalSeconds)}");
        }

        var said = (await errors).Trim().ReplaceLineEndings(" ");
        return Finding.Bad(Name, said.Length > 0 ? said : $"its process ended with exit code {process.ExitCode}", Fix(said));
    }

    private static string Fix(string said) =>
        said.Contains("GLIBC", StringComparison.Ordinal)
            ? "this system's C or C++ runtime is too old: build once with 'dotnet build' on this machine, which adapts the library, or use Debian 13, Ubuntu 24.04 or newer"
            : "delete the 'artifacts' folder and run 'dotnet build' again; behind a proxy, check that packages were restored whole";
}
