namespace IotaOrleans.Host.Hosting;

/// <summary>Where a silo's log goes.</summary>
internal sealed class HostLogging
{
    private const int LongestNotice = 300;

    private volatile bool _started;

    /// <summary>The file that receives warnings, errors and this program's own messages, or null.</summary>
    public RunLog? File { get; init; }

    /// <summary>Receives errors as single lines, and everything when <see cref="Verbose"/>.</summary>
    public required Action<string> Notice { get; init; }

    /// <summary>Whether the person wants to see the log.</summary>
    public bool Verbose { get; init; }

    public void Configure(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddFilter("IotaOrleans", LogLevel.Information);
        // Each long poll of a dashboard outlives Orleans' idea of a quick request.
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // What fails is thrown as well, and the storage in front of it says so once.
        logging.AddFilter("Orleans.Storage.AdoNetGrainStorage", LogLevel.None);
        // Whoever probes gets the answer; a line for each probe would bury what is wrong.
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        // Takes the time since the machine started for a delay.
        logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        if (File is { } file)
        {
            logging.AddProvider(new LineLoggerProvider(LogLevel.Information, (line, exception) =>
                file.Write(exception is null ? line : $"{line}{Environment.NewLine}{exception}")));
        }

        logging.AddProvider(Verbose
            ? new LineLoggerProvider(LogLevel.Information, (line, exception) => Notice(Join(line, exception)))
            : new LineLoggerProvider(LogLevel.Error, (line, exception) => Tell(Join(line, exception))));
    }

    /// <summary>The silo runs. Until then, what goes wrong ends the command with an error of its own, once.</summary>
    public void Started() => _started = true;

    private void Tell(string line)
    {
        if (_started)
        {
            Notice(line.Length > LongestNotice ? line[..LongestNotice] + "…" : line);
        }
    }

    private static string Join(string line, Exception? exception) =>
        exception is null ? line : $"{line}: {exception.Message.ReplaceLineEndings(" ")}";
}
