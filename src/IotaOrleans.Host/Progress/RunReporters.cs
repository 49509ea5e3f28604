using IotaOrleans.Host.CommandLine;

namespace IotaOrleans.Host.Progress;

/// <summary>Chooses how to report: JSON when asked for, a live picture for a person at a terminal, plain lines otherwise.</summary>
internal static class RunReporters
{
    public static IRunReporter Create(bool json, bool quiet, bool verbose, int? logInterval)
    {
        if (json)
        {
            return new JsonReporter(Console.Out, Console.Error, quiet);
        }

        var console = Consoles.Output();
        // A log that scrolls by would tear the picture.
        return console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi && !quiet && !verbose && logInterval is null
            ? new LiveReporter(console, TimeProvider.System)
            : new PlainReporter(console, Console.Error, logInterval, quiet);
    }
}
