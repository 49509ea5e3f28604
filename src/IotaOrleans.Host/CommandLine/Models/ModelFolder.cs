using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary>Finds the model that a person means: a folder with a model, or a run, whose newest checkpoint it is.</summary>
internal static class ModelFolder
{
    private const string Checkpoints = "checkpoints";

    /// <param name="path">Folder of a model or of a run.</param>
    /// <returns>Folder of a model; the path itself when there is none, so that opening it says what is missing.</returns>
    public static string Find(string path)
    {
        var checkpoints = Path.Combine(path, Checkpoints);
        if (File.Exists(Path.Combine(path, LlamaConfigurationFile.Name)) || !Directory.Exists(checkpoints))
        {
            return path;
        }

        return new CheckpointStore(checkpoints).FindLatest() ?? throw new IotaException(ExitCode.Model, $"{path} has no checkpoint yet");
    }
}
