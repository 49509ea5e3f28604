using IotaOrleans.Host.Archive;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Status;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>
/// Starts or resumes a run and follows it to its end. A miner silo that is lost is started again, or waited for if it is another machine's,
/// and a run that fails because of it goes on from its last checkpoint.
/// </summary>
internal sealed class RunConductor(
    PreparedRun run, ControlHost host, ChildSilos children, RunProgress progress, IRunReporter reporter, StatusRecorder recorder, CheckpointArchiver? archiver, TimeProvider time)
{
    private const int MostRepairsPerCheckpoint = 3;
    // Doubles with each further loss without a new checkpoint.
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LossPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RemoteLossPatience = TimeSpan.FromSeconds(20);

    private readonly ITrainingRunGrain _grain = host.Grains.GetGrain<ITrainingRunGrain>(run.Folder.Name);
    private readonly RunFollower _follower = new(host.Grains.GetGrain<IRunViewGrain>(run.Folder.Name), progress, reporter);
    // Each loss is told once: who waits for it goes on waiting over a resumption.
    private Task<ChildSilo> _lost = children.LostAsync();
    private RunFailed? _notBegun;
    private string? _checkpointAtLoss;
    private int _repairs;

    /// <summary>Runs the session.</summary>
    /// <param name="interrupted">Asks the run to stop at a checkpoint.</param>
    /// <returns>The event that ended it.</returns>
    public async Task<RunEvent> RunAsync(CancellationToken interrupted)
    {
        await _follower.CatchUpAsync();
        using var over = new CancellationTokenSource();
        var guarding = EndHangingSilosAsync(over.Token);
        try
        {
            return await FollowToItsEndAsync(interrupted);
        }
        finally
        {
            await over.CancelAsync();
            await guarding;
        }
    }

    private async Task<RunEvent> FollowToItsEndAsync(CancellationToken interrupted)
    {
        await BeginAsync();
        await using var stopping = interrupted.Register(() => _ = StopAsync());
        var end = _follower.FollowAsync(Note, CancellationToken.None);
        while (true)
        {
            var (last, repaired) = await AttendAsync(end, interrupted);
            if (last is not RunFailed failed || interrupted.IsCancellationRequested || !(repaired || await RemoteMinersReturnAsync(interrupted) || await MayTryAgainAsync(failed, interrupted)))
            {
                recorder.Record(PhaseAfter(last), progress, always: true);
                return last;
            }

            end = GoOnAsync();
        }
    }

    /// <summary>A silo that hangs is declared dead after a while. It cannot be replaced while its process is there, and would do no work if it came to itself.</summary>
    private async Task EndHangingSilosAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var name in host.DeclaredDeadAsync(cancellationToken))
            {
                children.EndHanging(name);
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    /// <summary>Begins again and follows the run. A silo may be lost just then as well: what that prevents is tried again.</summary>
    private async Task<RunEvent> GoOnAsync()
    {
        try
        {
            // What stops an ending session from being resumed is over when stopping returns.
            await _grain.StopAsync();
            var checkpoint = (await _grain.GetAsync())?.CheckpointStep ?? 0;
            reporter.Notice($"going on from step {Figures.Count(checkpoint)}");
            await BeginAsync();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            reporter.Notice($"the run could not go on yet: {failure.Message}");
            // The run has told of it, or never will.
            await _follower.CatchUpAsync();
            return _notBegun = new RunFailed { Step = progress.Step, Failure = failure.Message, Checkpoint = progress.Checkpoint };
        }

        return await _follower.FollowAsync(Note, CancellationToken.None);
    }

    /// <summary>What keeps a run from going on may pass: a silo that has joined is not at once known to all, a disk is not at once there again.</summary>
    private async Task<bool> MayTryAgainAsync(RunFailed failed, CancellationToken interrupted)
    {
        if (!ReferenceEquals(failed, _notBegun))
        {
            return false;
        }

        CountRepair(failed.Failure);
        var delay = FirstDelay * Math.Pow(2, _repairs - 1);
        reporter.Notice($"trying again in {delay.TotalSeconds:0} s");
        try
        {
            await Task.Delay(delay, time, interrupted);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task BeginAsync()
    {
        // A run whose first session ended before its first checkpoint has a folder, and perhaps no state; one that goes on with another store has no state there.
        var begun = await _grain.GetAsync() is not null || new CheckpointStore(run.Folder.Checkpoints).FindLatest() is not null;
        await (begun ? _grain.ResumeAsync(run.Specification) : _grain.StartAsync(run.Specification));
        recorder.Record(RunPhase.Preparing, progress, always: true);
    }

    /// <summary>Starts silos again that are lost before the run ends.</summary>
    private async Task<(RunEvent Last, bool Repaired)> AttendAsync(Task<RunEvent> end, CancellationToken interrupted)
    {
        var repair = Task.CompletedTask;
        var repaired = false;
        while (await LosesSiloAsync(end, repaired))
        {
            var silo = await _lost;
            _lost = children.LostAsync();
            CountRepair(silo.LastWords);
            reporter.Notice($"{silo.LastWords}; starting it again");
            children.Remove(silo);
            repair = Task.WhenAll(repair, RepairAsync(silo, interrupted));
            repaired = true;
        }

        await repair;
        return (await end, repaired);
    }

    /// <summary>Whether a silo is lost before the run ends, or was the reason why it failed: its connections break before its end is noticed.</summary>
    private async Task<bool> LosesSiloAsync(Task<RunEvent> end, bool repaired)
    {
        if (await Task.WhenAny(end, _lost) == end)
        {
            if (await end is not RunFailed || repaired)
            {
                return false;
            }

            await Task.WhenAny(_lost, children.Any ? Task.Delay(LossPatience) : Task.CompletedTask);
        }

        return _lost.IsCompleted;
    }

    private void Note(RunEvent happened)
    {
        recorder.Record(RunPhase.Training, progress, always: happened is RunStarted or CheckpointFailed or CheckpointWritten);
        if (happened is CheckpointWritten written)
        {
            archiver?.Add(written.Checkpoint);
        }
    }

    /// <summary>A silo that ends again and again is not helped by starting it again.</summary>
    private void CountRepair(string lost)
    {
        _repairs = progress.Checkpoint == _checkpointAtLoss ? _repairs + 1 : 1;
        _checkpointAtLoss = progress.Checkpoint;
        if (_repairs > MostRepairsPerCheckpoint)
        {
            recorder.Record(RunPhase.Failed, progress, always: true);
            throw new IotaException(
                ExitCode.Failed,
                $"{lost}; that makes {_repairs} losses without a new checkpoint. Mend the cause, then go on with --resume {run.Folder.Name}");
        }
    }

    /// <summary>Whether the run failed because miners of other machines are gone: then it waits until all are there again, as when it began.</summary>
    private async Task<bool> RemoteMinersReturnAsync(CancellationToken interrupted)
    {
        try
        {
            var since = time.GetUtcNow();
            reporter.Waiting(run.RemoteMiners.Count > 0 ? "finding out whether a miner is gone" : null);
            var lost = await host.FindLostAsync(run.RemoteMiners, RemoteLossPatience, interrupted);
            if (lost.Count == 0)
            {
                return false;
            }

            var names = string.Join(", ", lost);
            CountRepair($"the silo of {names} was lost");
            reporter.Notice($"{names} {(lost.Count == 1 ? "is" : "are")} gone; the run goes on when all have joined again");
            recorder.Record(RunPhase.Preparing, progress, always: true);
            await MinerPresence.WaitForAllAsync(host.Grains, run.RemoteMiners, since, missing => reporter.Waiting($"waiting for {string.Join(", ", missing)} to join again"), interrupted);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            reporter.Waiting(null);
        }
    }

    private async Task RepairAsync(ChildSilo lost, CancellationToken interrupted)
    {
        try
        {
            // Probes would find out in time; who has seen the process end need not wait for them.
            await host.ForgetSiloAsync(lost.MemberName, interrupted);
            await Task.WhenAll(lost.Miners.Select(_grain.ReportLossAsync));
            await children.ReplaceAsync(lost, host.Grains, interrupted);
        }
        catch (Exception failure) when (failure is IotaException or TimeoutException)
        {
            // A run that can do without its miners goes on; one that cannot ends with what it lacks.
            reporter.Notice(failure.Message);
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            // The run is being stopped: it needs no more miners.
        }
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
