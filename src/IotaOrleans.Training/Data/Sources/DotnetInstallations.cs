using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Data.Sources;

/// <summary>Where .NET may be installed on this machine.</summary>
internal static class DotnetInstallations
{
    /// <summary>The candidates, most explicit first, each once.</summary>
    public static IEnumerable<string> Roots()
    {
        return Candidates().OfType<string>().Where(root => root.Length > 0).Select(Path.GetFullPath).Distinct();
    }

    private static IEnumerable<string?> Candidates()
    {
        yield return Environment.GetEnvironmentVariable("DOTNET_ROOT");

        var program = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        if (Environment.ProcessPath is { } running && Path.GetFileName(running) == program)
        {
            yield return FolderOf(running);
        }

        // The runtime lies in <root>/shared/Microsoft.NETCore.App/<version>.
        yield return Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..");

        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            if (File.Exists(Path.Combine(folder, program)))
            {
                yield return FolderOf(Path.Combine(folder, program));
            }
        }
    }

    private static string? FolderOf(string program)
    {
        var target = File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program;
        return Path.GetDirectoryName(target);
    }
}
