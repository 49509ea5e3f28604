namespace IotaOrleans.Training.Checkpoints;

/// <summary>Hidden names for what is not yet complete, on the same volume as what it will become.</summary>
internal static class TemporaryName
{
    public static string Beside(string target) =>
        Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");

    /// <summary>Removes a temporary file or directory; when that fails it stays, for it harms nothing.</summary>
    public static void Remove(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
            else
            {
                File.Delete(path);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
        }
    }
}
