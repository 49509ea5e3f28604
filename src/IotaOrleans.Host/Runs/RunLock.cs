namespace IotaOrleans.Host.Runs;

/// <summary>
/// A run that is reserved for this process. The operating system drops the reservation when the process ends, so a lock
/// file that a dead process left behind blocks nobody; it is therefore never deleted.
/// </summary>
public sealed class RunLock : IDisposable
{
    private static readonly int[] Taken = [/* Windows: sharing violation */ unchecked((int)0x80070020), /* EAGAIN on Linux */ 11, /* and on macOS */ 35];

    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    internal static RunLock Acquire(RunFolder run)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(run.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(run.ProcessFile, $"{Environment.ProcessId}");
            return new RunLock(file);
        }
        catch (IOException taken) when (file is null && Taken.Contains(taken.HResult))
        {
            string process = run.ReadProcessId() is { } id ? $"process {id}" : "another process";
            throw new IotaException(ExitCode.RunState, $"run {run.Name} is already running ({process}); stop it first, or choose another run", taken);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new IotaException(ExitCode.Environment, $"run {run.Name} cannot be locked: {failure.Message}", failure);
        }
    }
}
