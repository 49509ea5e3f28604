using IotaOrleans.Host.CommandLine.Rewards;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Storage;
using IotaOrleans.Protocol.Replay;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.CommandLine.Replay;

/// <summary>What is stored of a run, beside what its journal says.</summary>
internal sealed class StoredControl(RunLedger books, StoreAddress? store)
{
    /// <summary>Compares with the state of the grains and with the ledger. Grains are asked in a silo of their own, which nobody joins.</summary>
    public async Task<IReadOnlyList<ReplayedPart>> NowAsync(ControlState rebuilt, CancellationToken cancellationToken)
    {
        await using var host = await ControlHost.StartAsync(
            new ControlHostOptions { Endpoints = SiloEndpoints.NewCluster(), Store = store, Database = books.Folder?.StateDatabase ?? "", Logging = new HostLogging { Notice = _ => { } } }, cancellationToken);
        var state = await host.Grains.GetGrain<ITrainingRunGrain>(books.Run).GetAsync() ?? throw new IotaException(ExitCode.RunState, $"run {books.Run} has a journal, and no state is stored");
        var stages = await Task.WhenAll(Enumerable.Range(0, state.Specification.Stages.Length).Select(stage => host.Grains.GetGrain<IStageGrain>($"{books.Run}/{stage}").GetAsync()));
        return
        [
            ReplayedPart.Of("phase", rebuilt.Phase, state.Phase),
            ReplayedPart.Of("failure", rebuilt.Failure, state.Failure),
            ReplayedPart.Of("point", rebuilt.Point, RunPoint.Of(state)),
            ReplayedPart.Of("stages", rebuilt.Stages.ToArray(), stages),
            ReplayedPart.Of("epochs", rebuilt.Epochs.ToArray(), (await books.SettlementsAsync(cancellationToken)).ToArray()),
        ];
    }

    /// <summary>Compares with the checkpoint that the run would have gone on from, and with the ledger of the epochs that were settled by then.</summary>
    public async Task<IReadOnlyList<ReplayedPart>> ThenAsync(ControlState rebuilt, CancellationToken cancellationToken)
    {
        var point = rebuilt.Point;
        var kept = books.Folder is { } folder && point.Checkpoint is { } checkpoint ? Path.Combine(folder.Checkpoints, Path.GetFileName(checkpoint)) : null;
        var settled = rebuilt.Epochs.Select(epoch => epoch.Epoch).ToHashSet();
        return
        [
            Directory.Exists(kept) ? ReplayedPart.Of("point", point, Read(kept, point)) : ReplayedPart.Of("point", point, point) with { Stored = null },
            ReplayedPart.Of("epochs", rebuilt.Epochs.ToArray(), (await books.SettlementsAsync(cancellationToken)).Where(epoch => settled.Contains(epoch.Epoch)).ToArray()),
        ];
    }

    /// <summary>The folder may have been moved since: its name counts, not where it was.</summary>
    private static RunPoint Read(string folder, RunPoint point)
    {
        var description = CheckpointDescription.Read(folder);
        return new RunPoint
        {
            Step = description.Step,
            Checkpoint = point.Checkpoint,
            Epoch = description.Epoch,
            ValidationLoss = description.ValidationLoss,
            Elapsed = TimeSpan.FromSeconds(description.Seconds),
            Position = description.Position,
        };
    }
}
