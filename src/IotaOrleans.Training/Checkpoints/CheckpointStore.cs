using System.Globalization;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>
/// The checkpoints of a run: one folder per step, complete or not there, each with the sums of its files, and <c>latest</c> with the name
/// of the newest, which is moved last.
/// </summary>
/// <param name="directory">The run's folder of checkpoints.</param>
public sealed class CheckpointStore(string directory)
{
    /// <summary>The file that names the newest checkpoint.</summary>
    public const string LatestName = "latest";

    private const string Prefix = "step-";

    /// <summary>The checkpoints' folders, the newest first. Whether they are sound is not looked at.</summary>
    public IReadOnlyList<string> List() => !Directory.Exists(directory)
        ? []
        : [.. Directory.EnumerateDirectories(directory, $"{Prefix}*").Where(folder => StepOf(folder) is not null).OrderByDescending(folder => StepOf(folder))];

    /// <summary>The newest checkpoint's folder: the one that <c>latest</c> names, or when it names none, that of the largest step.</summary>
    public string? FindLatest()
    {
        var pointer = Path.Combine(directory, LatestName);
        var named = File.Exists(pointer) ? File.ReadAllText(pointer).Trim() : "";
        var all = List();
        return all.FirstOrDefault(folder => Path.GetFileName(folder) == named) ?? (all.Count > 0 ? all[0] : null);
    }

    /// <summary>Writes a checkpoint: its files, their sums, and when all of it is on disk, its name and <c>latest</c>.</summary>
    /// <param name="description">What it is of.</param>
    /// <param name="fill">Writes the tensors.</param>
    /// <returns>Its folder.</returns>
    /// <exception cref="IotaException">The disk is full or not writable (<see cref="ExitCode.Environment"/>); nothing remains of it.</exception>
    public async Task<string> WriteAsync(CheckpointDescription description, Func<string, Task> fill)
    {
        var path = FolderOf(description.Step);
        Directory.CreateDirectory(directory);
        RemoveUnfinished();
        await AtomicDirectory.WriteAsync(path, async folder =>
        {
            await fill(folder);
            description.Write(folder);
            await Task.Run(() => FolderSums.Write(folder));
        });
        AtomicFile.WriteAllText(Path.Combine(directory, LatestName), $"{Path.GetFileName(path)}\n");
        return path;
    }

    /// <summary>Removes all but the newest checkpoints, and the one that <c>latest</c> names.</summary>
    /// <param name="keep">How many stay, at least one.</param>
    /// <param name="sound">One that stays as well, or null.</param>
    /// <returns>What was removed.</returns>
    public IReadOnlyList<string> Prune(int keep, string? sound = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        var latest = FindLatest();
        string[] old = [.. List().Skip(keep).Where(folder => folder != latest && folder != sound)];
        foreach (var folder in old)
        {
            Directory.Delete(folder, recursive: true);
        }

        return old;
    }

    /// <summary>The step of a checkpoint by its folder's name, or null when it is none.</summary>
    public static long? StepOf(string folder) => Path.GetFileName(folder) is var name && name.StartsWith(Prefix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : null;

    private string FolderOf(long step) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}"));

    /// <summary>What a process that was killed left half written. A run has one writer.</summary>
    private void RemoveUnfinished()
    {
        foreach (var folder in Directory.EnumerateDirectories(directory, $".{Prefix}*.tmp"))
        {
            TemporaryName.Remove(folder);
        }
    }
}
