namespace IotaOrleans;

/// <summary>
/// A failure that its reader can act on: the message is one line that says what happened, to what, and what to do.
/// The program prints the message alone and exits with <see cref="ExitCode"/>.
/// </summary>
[GenerateSerializer]
[Alias("IotaOrleans.IotaException")]
public class IotaException : Exception
{
    /// <summary>Creates an exception of the given kind.</summary>
    public IotaException(ExitCode exitCode, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        ExitCode = exitCode;
    }

    /// <summary>The kind of failure, as the process's exit code.</summary>
    [Id(0)]
    public ExitCode ExitCode { get; private set; }
}
