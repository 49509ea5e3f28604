namespace IotaOrleans.Host.Hosting;

/// <summary>Where a silo's log goes.</summary>
internal sealed record HostLogging
{
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
        // Takes the time since the machine started for a delay.
        logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        if (File is { } file)
        {
            logging.AddProvider(new LineLoggerProvider(LogLevel.Information, (line, exception) =>
                file.Write(exception is null ? line : $"{line}{Environment.NewLine}{exception}")));
        }

        logging.AddProvider(new LineLoggerProvider(Verbose ? LogLevel.Information : LogLevel.Error, (line, exception) =>
            Notice(exception is null ? line : $"{line}: {exception.Message.ReplaceLineEndings(" ")}")));
    }
}
