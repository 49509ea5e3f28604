namespace IotaOrleans.Training.Checkpoints;

/// <summary>Writes a directory so that it is seen complete or not at all.</summary>
public static class AtomicDirectory
{
    /// <summary>Fills a temporary directory beside <paramref name="path"/>, flushes it to disk and renames it.</summary>
    /// <param name="path">
    /// The directory to create or replace; its parent must exist. On Linux an existing directory is exchanged in one
    /// step; elsewhere there is a moment between two renames in which it has only its temporary name.
    /// </param>
    /// <param name="fill">Writes files into the directory it is given; when it throws, nothing remains.</param>
    /// <exception cref="IotaException">The disk is full or forbids writing (<see cref="ExitCode.Environment"/>).</exception>
    public static void Write(string path, Action<string> fill) => WriteAsync(
        path,
        folder =>
        {
            fill(folder);
            return Task.CompletedTask;
        }).GetAwaiter().GetResult();

    /// <inheritdoc cref="Write" />
    public static async Task WriteAsync(string path, Func<string, Task> fill)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string temporary = TemporaryName.Beside(target);
        try
        {
            Directory.CreateDirectory(temporary);
            await fill(temporary);
            FlushTree(temporary);
            Publish(temporary, target);
        }
        catch (Exception failure)
        {
            TemporaryName.Remove(temporary);
            if (DiskErrors.Explain(failure, path) is { } explained)
            {
                throw explained;
            }

            throw;
        }

        FolderFlush.Flush(Path.GetDirectoryName(target)!);
    }

    private static void Publish(string temporary, string target)
    {
        if (!Directory.Exists(target))
        {
            Directory.Move(temporary, target);
            return;
        }

        if (DirectoryExchange.TryExchange(temporary, target))
        {
            TemporaryName.Remove(temporary);
            return;
        }

        string previous = TemporaryName.Beside(target);
        Directory.Move(target, previous);
        try
        {
            Directory.Move(temporary, target);
        }
        catch
        {
            Directory.Move(previous, target);
            throw;
        }

        TemporaryName.Remove(previous);
    }

    private static void FlushTree(string directory)
    {
        foreach (string file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
            stream.Flush(flushToDisk: true);
        }

        foreach (string folder in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories))
        {
            FolderFlush.Flush(folder);
        }

        FolderFlush.Flush(directory);
    }
}
