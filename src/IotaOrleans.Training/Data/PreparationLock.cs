namespace IotaOrleans.Training.Data;

/// <summary>
/// Held while a folder is prepared, so that of several processes that start with the same data one does the work and the
/// others wait for it. The operating system lets go of it when the process ends, however it ends.
/// </summary>
internal sealed class PreparationLock : IDisposable
{
    public const string FileName = ".lock";

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(50);

    private readonly FileStream _file;

    private PreparationLock(FileStream file) => _file = file;

    /// <summary>Waits until the folder is free.</summary>
    public static PreparationLock Acquire(string directory, IProgress<string>? progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        var isWaiting = false;
        while (true)
        {
            try
            {
                return new PreparationLock(new FileStream(Path.Combine(directory, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException exception) when (IsHeldElsewhere(exception))
            {
                if (!isWaiting)
                {
                    progress?.Report($"waiting for another process that prepares {directory}");
                    isWaiting = true;
                }

                cancellationToken.WaitHandle.WaitOne(RetryInterval);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    public void Dispose() => _file.Dispose();

    private static bool IsHeldElsewhere(IOException exception)
    {
        const int WindowsSharingViolation = unchecked((int)0x80070020);
        const int LinuxWouldBlock = 11;
        const int MacWouldBlock = 35;
        return exception.HResult is WindowsSharingViolation or LinuxWouldBlock or MacWouldBlock;
    }
}
