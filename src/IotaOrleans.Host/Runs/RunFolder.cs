using System.Globalization;

namespace IotaOrleans.Host.Runs;

/// <summary>Everything that one training run keeps on disk.</summary>
public sealed class RunFolder
{
    private const int LongestName = 64;

    private RunFolder(string path)
    {
        FullPath = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Name = Path.GetFileName(FullPath);
    }

    /// <summary>The run's name: the folder's.</summary>
    public string Name { get; }

    /// <summary>The folder.</summary>
    public string FullPath { get; }

    /// <summary>Folder of the tokenised data.</summary>
    public string Data => Path.Combine(FullPath, "data");

    /// <summary>Folder of the checkpoints.</summary>
    public string Checkpoints => Path.Combine(FullPath, "checkpoints");

    /// <summary>SQLite file of the control grains.</summary>
    public string StateDatabase => Path.Combine(FullPath, "state.db");

    /// <summary>What the run was started with.</summary>
    public string RunFile => Path.Combine(FullPath, "run.json");

    /// <summary>The run's log.</summary>
    public string LogFile => Path.Combine(FullPath, "run.log");

    /// <summary>Held by the process that runs the run.</summary>
    public string LockFile => Path.Combine(FullPath, "run.lock");

    /// <summary>Number of the process that runs or last ran the run: a locked file cannot be read.</summary>
    internal string ProcessFile => Path.Combine(FullPath, "run.pid");

    /// <summary>Creates a new run's folder.</summary>
    /// <param name="root">Where runs live; created when absent.</param>
    /// <param name="name">Up to 64 letters, digits, dots, dashes and underscores, a letter or digit first.</param>
    /// <exception cref="IotaException">
    /// The name is not allowed (<see cref="ExitCode.Usage"/>) or taken (<see cref="ExitCode.RunState"/>), or the folder
    /// cannot be created (<see cref="ExitCode.Environment"/>).
    /// </exception>
    public static RunFolder Create(string root, string name)
    {
        if (!IsName(name))
        {
            throw new IotaException(ExitCode.Usage, $"'{name}' cannot name a run; use up to {LongestName} letters, digits, dots, dashes and underscores, a letter or digit first");
        }

        var run = new RunFolder(Path.Combine(root, name));
        string temporary = Path.Combine(root, $".{name}.{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(Path.Combine(temporary, Path.GetFileName(run.Data)));
            Directory.CreateDirectory(Path.Combine(temporary, Path.GetFileName(run.Checkpoints)));
            // A folder with content is never replaced by a rename: of two creators, one fails.
            Directory.Move(temporary, run.FullPath);
            return run;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }

            throw Path.Exists(run.FullPath)
                ? new IotaException(ExitCode.RunState, $"run {name} already exists in {root}; resume it, or choose another name", failure)
                : new IotaException(ExitCode.Environment, $"{run.FullPath} cannot be created: {failure.Message}", failure);
        }
    }

    /// <summary>Opens an existing run's folder.</summary>
    /// <param name="root">Where runs live.</param>
    /// <param name="nameOrPath">A run's name there, or the path of its folder anywhere.</param>
    /// <exception cref="IotaException">There is no such run (<see cref="ExitCode.Usage"/>).</exception>
    public static RunFolder Open(string root, string nameOrPath)
    {
        RunFolder? run = new[] { Path.Combine(root, nameOrPath), nameOrPath }
            .Select(path => new RunFolder(path))
            .FirstOrDefault(candidate => candidate.Exists);
        if (run is not null)
        {
            return run;
        }

        string[] known = [.. List(root).Select(other => other.Name)];
        string hint = known.Length == 0 ? "there is none yet" : $"there are {string.Join(", ", known)}";
        throw new IotaException(ExitCode.Usage, $"no run {nameOrPath} in {root}; {hint}");
    }

    /// <summary>The runs of a folder, by name; empty when the folder does not exist.</summary>
    public static IReadOnlyList<RunFolder> List(string root)
    {
        if (!Directory.Exists(root))
        {
            return [];
        }

        return [.. Directory.EnumerateDirectories(root)
            .Select(path => new RunFolder(path))
            .Where(run => run.Exists && IsName(run.Name))
            .OrderBy(run => run.Name, StringComparer.Ordinal)];
    }

    /// <summary>Reserves the run for this process until the result is disposed, or the process ends in any way.</summary>
    /// <exception cref="IotaException">
    /// Another process runs it (<see cref="ExitCode.RunState"/>), or the folder cannot be written (<see cref="ExitCode.Environment"/>).
    /// </exception>
    public RunLock Lock() => RunLock.Acquire(this);

    /// <summary>Number of the process that holds the run's lock, if it left one.</summary>
    internal int? ReadProcessId()
    {
        try
        {
            return int.TryParse(File.ReadAllText(ProcessFile), NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private bool Exists => Directory.Exists(Checkpoints);

    private static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName
        && char.IsAsciiLetterOrDigit(name[0])
        && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_');
}
