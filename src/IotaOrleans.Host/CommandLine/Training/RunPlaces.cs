namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>Where a run finds its data and leaves its checkpoints.</summary>
internal sealed record RunPlaces(string Run, string DataDirectory, string CheckpointDirectory);
