using System.Text;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>Writes a file so that a crash at any moment leaves either the old content or the new, never a part.</summary>
public static class AtomicFile
{
    // Well below the size from which .NET keeps arrays apart and collects them late: some files are written every second.
    private const int BufferByteCount = 32 << 10;

    /// <summary>Writes to a temporary file beside <paramref name="path"/>, flushes it to disk and renames it over.</summary>
    /// <param name="path">The file to create or replace; its folder must exist.</param>
    /// <param name="write">Writes the content; when it throws, nothing remains.</param>
    /// <exception cref="IotaException">The disk is full or forbids writing (<see cref="ExitCode.Environment"/>).</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string target = Path.GetFullPath(path);
        string temporary = TemporaryName.Beside(target);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferByteCount))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
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

    /// <summary>Writes text as UTF-8 without a byte-order mark.</summary>
    /// <inheritdoc cref="Write" path="/exception" />
    public static void WriteAllText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
