namespace IotaOrleans.Host.Hosting;

/// <summary>Hands log entries on as lines.</summary>
/// <param name="minimum">The least important level to hand on.</param>
/// <param name="write">Receives an entry as one line, and its exception, if any.</param>
internal sealed class LineLoggerProvider(LogLevel minimum, Action<string, Exception?> write) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(categoryName, minimum, write);

    public void Dispose()
    {
    }

    private sealed class LineLogger(string category, LogLevel minimum, Action<string, Exception?> write) : ILogger
    {
        private readonly string _source = category[(category.LastIndexOf('.') + 1)..];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var message = formatter(state, exception).ReplaceLineEndings(" ");
                write($"{Name(logLevel)} {_source}: {message}", exception);
            }
        }

        private static string Name(LogLevel level) => level switch
        {
            LogLevel.Critical or LogLevel.Error => "error",
            LogLevel.Warning => "warning",
            LogLevel.Information => "info",
            _ => "debug",
        };
    }
}
