namespace IotaOrleans.Training.Data.Sources;

/// <summary>Opens the files that data is read from.</summary>
internal static class SourceFile
{
    /// <summary>Opens for one pass from front to back.</summary>
    /// <exception cref="IotaException">The file is gone or may not be read.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IotaException(ExitCode.Data, $"{path} cannot be read: {exception.Message} Check that it exists and that you may read it.", exception);
        }
    }
}
