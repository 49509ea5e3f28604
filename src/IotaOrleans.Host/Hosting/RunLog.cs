using System.Globalization;

namespace IotaOrleans.Host.Hosting;

/// <summary>The log file of a run. Writing never fails a run: a full disk is reported by what matters more.</summary>
internal sealed class RunLog : IDisposable
{
    private readonly Lock _gate = new();
    private StreamWriter? _writer;

    public RunLog(string path)
    {
        try
        {
            _writer = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new IotaException(ExitCode.Environment, $"the log {path} cannot be written: {failure.Message}", failure);
        }
    }

    public void Write(string line)
    {
        lock (_gate)
        {
            try
            {
                _writer?.WriteLine($"{DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)} {line}");
                _writer?.Flush();
            }
            catch (Exception failure) when (IsOfTheDisk(failure))
            {
                // Perhaps there is room for the next line.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            try
            {
                _writer?.Dispose();
            }
            catch (Exception failure) when (IsOfTheDisk(failure))
            {
                // What could not be flushed is lost with the disk that is full.
            }

            _writer = null;
        }
    }

    // The latter is how .NET says that no file of that size is allowed.
    private static bool IsOfTheDisk(Exception failure) => failure is IOException or ArgumentOutOfRangeException;
}
