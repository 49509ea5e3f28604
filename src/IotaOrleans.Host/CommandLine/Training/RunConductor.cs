using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Status;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>
/// Starts or resumes a run and follows it to its end. A miner silo that is lost is started again, and a run that fails because of it goes
/// on from its last checkpoint.
/// </summary>
internal sealed class RunConductor(
    PreparedRun run, IGrainFactory grains, ChildSilos children, RunProgress progress, IRunReporter reporter, StatusRecorder recorder)
{
    private const int MostRepairsWithoutProgress = 3;

    private readonly ITrainingRunGrain _grain = grains.GetGrain<ITrainingRunGrain>(run.Folder.Name);
    private readonly RunFollower _follower = new(grains.GetGrain<IRunViewGrain>(run.Folder.Name), progress, reporter);

    /// <summary>Runs the session.</summary>
    /// <param name="interrupted">Asks the run to stop at a checkpoint.</param>
    /// <returns>The event that ended it.</returns>
    public async Task<RunEvent> RunAsync(CancellationToken interrupted)
    {
        await _follower.CatchUpAsync();
        await BeginAsync();
        await using var stopping = interrupted.Register(() => _ = StopAsync());
        var (repairs, reached) = (0, -1L);
        while (true)
        {
            var (last, repaired) = await FollowAsync(interrupted);
            if (last is not RunFailed || !repaired || interrupted.IsCancellationRequested)
            {
                recorder.Record(PhaseAfter(last), progress, always: true);
                return last;
            }

            // What stops an ending session from being resumed is over when stopping returns.
            await _grain.StopAsync();
            var checkpoint = (await _grain.GetAsync())?.CheckpointStep ?? 0;
            repairs = checkpoint > reached ? 1 : repairs + 1;
            reached = checkpoint;
            if (repairs > MostRepairsWithoutProgress)
            {
                recorder.Record(RunPhase.Failed, progress, always: true);
                return last;
            }

            reporter.Notice($"going on from step {Figures.Count(checkpoint)}");
            await BeginAsync();
        }
    }

    private async Task BeginAsync()
    {
        // A run whose first session ended before its first step has a folder but no state.
        await (await _grain.GetAsync() is null ? _grain.StartAsync(run.Specification) : _grain.ResumeAsync(run.Specification));
        recorder.Record(RunPhase.Preparing, progress, always: true);
    }

    private async Task<(RunEvent Last, bool Repaired)> FollowAsync(CancellationToken interrupted)
    {
        var end = _follower.FollowAsync(_ => recorder.Record(RunPhase.Training, progress, always: false), CancellationToken.None);
        var lost = children.LostAsync();
        var repair = Task.CompletedTask;
        var repaired = false;
        while (await Task.WhenAny(end, lost) == lost)
        {
            var silo = await lost;
            reporter.Notice($"{silo.LastWords}; starting it again");
            await repair;
            repair = children.ReplaceAsync(silo, grains, interrupted);
            repaired = true;
            lost = children.LostAsync();
        }

        await repair;
        return (await end, repaired);
    }

    private async Task StopAsync()
    {
        reporter.Notice("stopping: finishing the steps in flight and writing a checkpoint (Ctrl+C again leaves at once)");
        recorder.Record(RunPhase.Stopping, progress, always: true);
        try
        {
            await _grain.StopAsync();
        }
#pragma warning disable CA1031 // Nobody awaits this; the run goes on or ends by itself, and the second Ctrl+C always works.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            reporter.Notice($"the run could not be stopped: {failure.Message}");
        }
    }

    private static RunPhase PhaseAfter(RunEvent last) => last switch
    {
        RunFinished => RunPhase.Finished,
        RunInterrupted => RunPhase.Interrupted,
        _ => RunPhase.Failed,
    };
}
