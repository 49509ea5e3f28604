using IotaOrleans.Host.Runs;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>A run that is ready to start or to go on: its folder is ours and its data is there.</summary>
/// <param name="Folder">The run's folder.</param>
/// <param name="Lock">Keeps other processes away.</param>
/// <param name="Specification">What the run grain is given.</param>
/// <param name="Silos">Miner silos in processes of their own.</param>
/// <param name="RemoteMiners">Miners on other machines that the run waits for; when there are any, no others are started.</param>
internal sealed record PreparedRun(RunFolder Folder, RunLock Lock, TrainingRunSpecification Specification, int Silos, IReadOnlyList<string> RemoteMiners) : IDisposable
{
    public void Dispose() => Lock.Dispose();
}
