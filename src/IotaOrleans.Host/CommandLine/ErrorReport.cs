using System.CommandLine;
using System.Text.RegularExpressions;
using IotaOrleans.Host.CommandLine.Settings;
using Microsoft.Extensions.Options;
using Spectre.Console;

namespace IotaOrleans.Host.CommandLine;

/// <summary>Turns a failure into one line for a person and an exit code for a script.</summary>
internal static partial class ErrorReport
{
    private const int DiskFullOnUnix = 28;
    private const int DiskFullOnWindows = unchecked((int)0x80070070);

    public static int Write(Exception exception, bool verbose)
    {
        var (exitCode, message) = Describe(exception);
        if (message is not null)
        {
            Consoles.Error().Write(new Text("error:", new Style(Color.Red, decoration: Decoration.Bold)));
            Console.Error.WriteLine(" " + LineBreaks().Replace(message, " ").Trim());
        }

        if (verbose && exitCode != ExitCode.Usage)
        {
            Console.Error.WriteLine(exception);
        }

        return (int)exitCode;
    }

    public static (ExitCode ExitCode, string? Message) Describe(Exception exception)
    {
        foreach (var cause in Causes(exception))
        {
            switch (cause)
            {
                case IotaException known:
                    return (known.ExitCode, known.Message);
                case OperationCanceledException:
                    return (ExitCode.Interrupted, null);
                case IOException { HResult: DiskFullOnUnix or DiskFullOnWindows }:
                    return (ExitCode.Environment, $"no space left on the disk: {cause.Message}; free some, or choose another folder with --runs");
                case OptionsValidationException invalid:
                    return (ExitCode.Usage, string.Join("; ", invalid.Failures));
                case UnauthorizedAccessException or IOException:
                    return (ExitCode.Environment, cause.Message);
                case DllNotFoundException:
                    return (ExitCode.Environment, $"a native library cannot be loaded; run 'iota doctor' to see why ({cause.Message})");
            }
        }

        return (ExitCode.Failed, $"unexpected: {exception.Message} (run with --verbose for details)");
    }

    public static bool IsVerbose(ParseResult parsed) =>
        parsed.CommandResult.Command.Options.OfType<Flag>().FirstOrDefault(flag => flag.Name == "--verbose") is { } flag && flag.Of(parsed);

    private static IEnumerable<Exception> Causes(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            yield return cause;
        }
    }

    [GeneratedRegex(@"\s*[\r\n]+\s*")]
    private static partial Regex LineBreaks();
}
