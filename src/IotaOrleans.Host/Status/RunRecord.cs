using System.Text.Json;
using IotaOrleans.Host.CommandLine.Training;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Runs;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Data;

namespace IotaOrleans.Host.Status;

/// <summary>What a run was started with: <c>run.json</c> in its folder, for people and for resuming.</summary>
internal sealed record RunRecord
{
    /// <summary>When the run was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The program's version that wrote this.</summary>
    public required string Version { get; init; }

    /// <summary>The preset's name.</summary>
    public required string Preset { get; init; }

    /// <summary>Where the text came from.</summary>
    public required DataSourceOptions Data { get; init; }

    /// <summary>Miner silos in processes of their own.</summary>
    public required int Silos { get; init; }

    /// <summary>Miners on other machines; none when the miners were started with the run.</summary>
    public IReadOnlyList<string> RemoteMiners { get; init; } = [];

    /// <summary>What the run grain was given.</summary>
    public required TrainingRunSpecification Specification { get; init; }

    public void Write(RunFolder folder) => AtomicFile.WriteAllText(folder.RunFile, JsonSerializer.Serialize(this, Options) + "\n");

    /// <exception cref="IotaException">The file is missing or damaged.</exception>
    public static RunRecord Read(RunFolder folder)
    {
        try
        {
            return JsonSerializer.Deserialize<RunRecord>(File.ReadAllText(folder.RunFile), Options)!;
        }
        catch (FileNotFoundException failure)
        {
            throw new IotaException(ExitCode.RunState, $"run {folder.Name} ended before its first step, there is nothing to resume: start it anew", failure);
        }
        catch (JsonException failure)
        {
            throw new IotaException(ExitCode.RunState, $"{folder.RunFile} is damaged: {failure.Message}", failure);
        }
    }

    private static JsonSerializerOptions Options { get; } = new(RunEventJson.Options) { WriteIndented = true };
}
