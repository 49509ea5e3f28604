using System.Diagnostics;

namespace IotaOrleans.Benchmarks.Measuring;

/// <summary>Runs a program of this build to its end and returns what it printed.</summary>
internal static class ChildProgram
{
    public static async Task<IReadOnlyList<string>> RunAsync(string assembly, params IEnumerable<string> arguments)
    {
        using var process = Start(assembly, arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var lines = new List<string>();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            lines.Add(line);
        }

        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? lines
            : throw new InvalidOperationException($"{assembly} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
    }

    /// <summary>Starts a program of this build; the caller reads its output and sees to its end.</summary>
    public static Process Start(string assembly, params IEnumerable<string> arguments) => Start([Runtime, Path.Combine(AppContext.BaseDirectory, assembly), .. arguments]);

    /// <summary>Starts a program of this build in a network namespace.</summary>
    public static Process StartIn(string networkNamespace, string assembly, params IEnumerable<string> arguments) =>
        Start(["ip", "netns", "exec", networkNamespace, Runtime, Path.Combine(AppContext.BaseDirectory, assembly), .. arguments]);

    private static string Runtime => Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";

    private static Process Start(IReadOnlyList<string> command) => Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
        UseShellExecute = false,
    })!;
}
