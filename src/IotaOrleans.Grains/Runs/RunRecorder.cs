using System.Collections.Immutable;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Training.Checkpoints;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Runs;

/// <summary>
/// What follows the steps of a session, each in order and none holding the steps up: events for the view, settlements, checkpoints and
/// the end. Runs on the run grain's scheduler.
/// </summary>
/// <param name="state">The run's state; the recorder owns it during the session.</param>
/// <param name="grains">The way to the other grains.</param>
/// <param name="ledger">Takes the receipts.</param>
/// <param name="time">Clock.</param>
/// <param name="save">Stores the state.</param>
/// <param name="release">Frees the session's shards at its end.</param>
/// <param name="logger">Receives what went wrong.</param>
internal sealed partial class RunRecorder(
    TrainingRunState state, IGrainFactory grains, IWorkLedger ledger, TimeProvider time, Func<TrainingRunState, Task> save, Func<Task> release, ILogger logger)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<RunEvent> _events = new();
    private readonly ReceiptWriter _receipts = new(ledger, time, logger);
    private readonly long _started = time.GetTimestamp();
    private readonly TimeSpan _before = state.Elapsed;
    private Task _settled = Task.CompletedTask;
    private Task _checkpointed = Task.CompletedTask;
    private Task _published = Task.CompletedTask;
    private bool _hasEnded;
    private bool _givesWay;
    private string? _checkpointFailure;

    /// <summary>Validation loss of the last evaluation, NaN before the first.</summary>
    public double ValidationLoss { get; set; } = state.ValidationLoss ?? double.NaN;

    public RunPhase Phase => state.Phase;

    public long CheckpointStep => state.CheckpointStep;

    /// <summary>What the run would go on from.</summary>
    public RunPoint Point => RunPoint.Of(state);

    public Task Ended => _ended.Task;

    /// <summary>Completes when the checkpoints whose snapshots are taken have been written, or failed.</summary>
    public Task Checkpointed => _checkpointed;

    /// <summary>Checkpoints whose snapshots are taken and that are not written yet: each holds memory of its shards.</summary>
    public int CheckpointsWaiting { get; private set; }

    private TrainingRunSpecification Specification => state.Specification;

    private string Run => state.Specification.Run;

    /// <summary>Whether the session has ended, or is about to.</summary>
    public bool IsOver => _givesWay || _ended.Task.IsCompleted || state.Phase is RunPhase.Failed or RunPhase.Finished or RunPhase.Interrupted;

    public void EnterPhase(RunPhase phase) => state = state with { Phase = phase };

    /// <summary>Sends events to the view in order, one call at a time, as many as have gathered. None follows the one that ends the session.</summary>
    public void Publish(RunEvent @event)
    {
        if (_hasEnded)
        {
            return;
        }

        _hasEnded = @event is RunFinished or RunInterrupted or RunFailed;
        _events.Enqueue(@event with { At = time.GetUtcNow() });
        if (_published.IsCompleted)
        {
            _published = PublishAllAsync();
        }
    }

    public void Evaluated(long step, double loss)
    {
        ValidationLoss = loss;
        Publish(new EvaluationCompleted { Step = step, ValidationLoss = loss });
    }

    /// <summary>Writes the checkpoint of a step whose snapshots are taken.</summary>
    /// <param name="step">The step.</param>
    /// <param name="sources">The shard of each stage that has the snapshot.</param>
    /// <param name="position">Micro-batches that are done, in elastic mode.</param>
    public void Checkpoint(long step, ImmutableArray<ShardKey> sources, LedgerPosition? position = null) =>
        _checkpointed = CheckpointAsync(_checkpointed, step, sources, position);

    /// <summary>Counts work that is done.</summary>
    /// <param name="receipts">The work.</param>
    /// <param name="seal">What the miner signed it with, when it comes for the first time.</param>
    public void Count(IEnumerable<WorkReceipt> receipts, SegmentSeal? seal = null)
    {
        if (seal is not null)
        {
            _receipts.Add(seal);
        }

        foreach (var receipt in receipts)
        {
            _receipts.Add(receipt);
        }
    }

    /// <summary>Closes a reward epoch: what was counted before is in it, and what comes of the checks that are under way.</summary>
    public void Settle(int epoch, long step, Task? after = null, string? auditSecret = null) =>
        _settled = SettleAsync(Task.WhenAll(_settled, after ?? Task.CompletedTask), epoch, step, auditSecret);

    /// <summary>
    /// Settles the epochs that the session begins behind and that are still open: the process of the one before may have ended after its last
    /// checkpoint and before they were settled, or before everybody was told.
    /// </summary>
    public void SettleEarlier() => _settled = SettleEarlierAsync(WorkPlan.EpochOf(Specification, Math.Min(CheckpointStep + 1, Specification.Steps)), CheckpointStep);

    /// <summary>Ends the session because of a failure.</summary>
    /// <param name="step">The last step that was completed.</param>
    /// <param name="failure">Why, in one line.</param>
    public void Fail(long step, string failure) => _ = EndAsync(RunPhase.Failed, step, 0, failure);

    /// <summary>Ends the session, once.</summary>
    public async Task EndAsync(RunPhase phase, long step, double tokensPerSecond, string? failure = null, SentBytes? sent = null)
    {
        if (IsOver)
        {
            return;
        }

        var seconds = time.GetElapsedTime(_started).TotalSeconds;
        if (failure is null)
        {
            await Task.WhenAll(_settled, _checkpointed, _receipts.DrainAsync());
            if (IsOver)
            {
                return;
            }

            if (phase == RunPhase.Finished && _checkpointFailure is not null)
            {
                // Its result is nowhere: what is on disk is older.
                (phase, failure) = (RunPhase.Failed, $"all {step} steps are done, and what came of them could not be stored: {_checkpointFailure}");
            }
        }

        state = state with { Phase = phase, Failure = failure };
        try
        {
            await save(state);
            Publish(phase switch
            {
                RunPhase.Finished => new RunFinished
                {
                    Step = step,
                    ValidationLoss = ValidationLoss,
                    TokensPerSecond = tokensPerSecond,
                    Checkpoint = state.Checkpoint!,
                    Rewards = await RewardsAsync(),
                    Seconds = seconds,
                    Sent = sent,
                },
                RunPhase.Interrupted => new RunInterrupted { Step = step, Checkpoint = state.Checkpoint },
                _ => new RunFailed { Step = step, Failure = failure!, Checkpoint = state.Checkpoint },
            });
            await release();
        }
        catch (Exception problem)
        {
            LogEndFailed(Run, problem);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    /// <summary>Ends the session without an end of the run: another one goes on from the last checkpoint.</summary>
    /// <param name="after">What is still under way.</param>
    /// <returns>What the other one begins with.</returns>
    public async Task<TrainingRunState> GiveWayAsync(Task after)
    {
        _givesWay = true;
        try
        {
            await after;
            await Task.WhenAll(_settled, _checkpointed, _receipts.DrainAsync());
            _hasEnded = true;
            await _published;
            try
            {
                await release();
            }
            catch (Exception problem)
            {
                LogEndFailed(Run, problem);
            }

            return state;
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    private async Task CheckpointAsync(Task previous, long step, ImmutableArray<ShardKey> sources, LedgerPosition? position)
    {
        CheckpointsWaiting++;
        await previous;
        try
        {
            await CheckpointAsync(step, sources, position);
        }
        finally
        {
            CheckpointsWaiting--;
        }
    }

    private async Task CheckpointAsync(long step, ImmutableArray<ShardKey> sources, LedgerPosition? position)
    {
        var description = new CheckpointDescription
        {
            Run = Run,
            Step = step,
            Epoch = WorkPlan.EpochOf(Specification, step),
            Position = position,
            ValidationLoss = double.IsNaN(ValidationLoss) ? null : ValidationLoss,
            Seconds = (_before + time.GetElapsedTime(_started)).TotalSeconds,
            At = time.GetUtcNow(),
        };
        string path;
        try
        {
            path = await new CheckpointWriter(grains).WriteAsync(Specification, description, sources);
        }
        catch (Exception failure)
        {
            // The disk is full, or a miner is gone with what was to be written: training goes on, and the next checkpoint may fare better.
            var reason = failure.Message.ReplaceLineEndings(" ");
            _checkpointFailure = reason;
            LogNoCheckpoint(Run, step, reason);
            Publish(new CheckpointFailed { Step = step, Reason = reason });
            return;
        }

        try
        {
            for (var stage = 0; stage < Specification.Stages.Length; stage++)
            {
                var grain = grains.GetGrain<IStageGrain>($"{Run}/{stage}");
                await AskAsync(() => grain.CommitAsync(step));
            }

            // What a run that goes on from here passes over must be in the ledger.
            await _receipts.DrainAsync();
            state = CheckpointRecovery.At(state, path, description);
            _checkpointFailure = null;
            await save(state);
            Publish(new CheckpointWritten { Step = step, Checkpoint = path, Point = Point });
        }
        catch (Exception failure)
        {
            LogCheckpointFailed(Run, step, failure);
            await EndAsync(RunPhase.Failed, step, 0, $"the checkpoint of step {step} is written, and could not be made the run's last: {failure.Message}");
        }
    }

    private async Task SettleAsync(Task previous, int epoch, long step, string? auditSecret)
    {
        await previous;
        try
        {
            await _receipts.DrainAsync();
            var settlement = await AskAsync(() => grains.GetGrain<IRewardEpochGrain>($"{Run}/{epoch}").CloseAsync(Specification.Rewards));
            foreach (var payslip in settlement.Payslips)
            {
                await AskAsync(() => grains.GetGrain<IMinerGrain>(payslip.Miner).AddEpochAsync(Run, epoch, payslip));
            }

            Publish(new EpochClosed { Step = step, Settlement = settlement, AuditSecret = auditSecret });
        }
        catch (Exception failure)
        {
            LogSettlementFailed(Run, epoch, failure);
            await EndAsync(RunPhase.Failed, step, 0, $"reward epoch {epoch} could not be settled: {failure.Message}");
        }
    }

    private async Task SettleEarlierAsync(int open, long step)
    {
        if (open == 0)
        {
            return;
        }

        try
        {
            var settled = (await ledger.ListAsync(Run)).ToHashSet();
            var told = (await AskAsync(() => grains.GetGrain<IRunViewGrain>(Run).GetAsync()))?.Epoch ?? 0;
            // What came before the ledger, in another store, was settled there.
            var isHere = false;
            for (var epoch = 0; epoch < open; epoch++)
            {
                isHere = isHere || settled.Contains(epoch) || (await ledger.MinersAsync(Run, epoch)).Count > 0;
                if (isHere && (epoch >= told || !settled.Contains(epoch)))
                {
                    await SettleAsync(Task.CompletedTask, epoch, step, auditSecret: null);
                }
            }
        }
        catch (Exception failure)
        {
            LogSettlementFailed(Run, open - 1, failure);
            await EndAsync(RunPhase.Failed, step, 0, $"the reward epochs before {open} could not be settled: {failure.Message}");
        }
    }

    private async Task<ImmutableArray<MinerReward>> RewardsAsync()
    {
        var settlements = new List<EpochSettlement>();
        for (var epoch = 0; epoch <= WorkPlan.EpochOf(Specification, Specification.Steps); epoch++)
        {
            var grain = grains.GetGrain<IRewardEpochGrain>($"{Run}/{epoch}");
            if (await AskAsync(grain.GetAsync) is { } settlement)
            {
                settlements.Add(settlement);
            }
        }

        return [.. settlements.SelectMany(settlement => settlement.Payslips)
            .GroupBy(payslip => (payslip.Miner, payslip.Stage))
            .OrderBy(group => group.Key.Stage)
            .ThenBy(group => group.Key.Miner, StringComparer.Ordinal)
            .Select(group => new MinerReward(group.Key.Miner, group.Key.Stage, group.Sum(payslip => payslip.BackwardPasses), group.Sum(payslip => payslip.Tokens), group.Sum(payslip => payslip.Paid)))];
    }

    private Task<bool> AskAsync(Func<Task> ask) => AskAsync(async () =>
    {
        await ask();
        return true;
    });

    /// <summary>A grain that waits for its storage answers late: it is asked again, and does nothing twice.</summary>
    private async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (TimeoutException late) when (!_ended.Task.IsCompleted)
            {
                LogLate(Run, late.Message);
            }
        }
    }

    private async Task PublishAllAsync()
    {
        try
        {
            while (_events.Count > 0)
            {
                var batch = _events.ToImmutableArray();
                _events.Clear();
                await grains.GetGrain<IRunViewGrain>(Run).PublishAsync(state.Phase, batch);
            }
        }
        catch (Exception failure)
        {
            LogPublishFailed(Run, failure);
        }
    }

    [LoggerMessage(LogLevel.Error, "Run {Run}: the checkpoint of step {Step} failed")]
    private partial void LogCheckpointFailed(string run, long step, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}: no checkpoint of step {Step}, training goes on ({Reason})")]
    private partial void LogNoCheckpoint(string run, long step, string reason);

    [LoggerMessage(LogLevel.Error, "Run {Run}: settling epoch {Epoch} failed")]
    private partial void LogSettlementFailed(string run, int epoch, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}: ending the session failed")]
    private partial void LogEndFailed(string run, Exception failure);

    [LoggerMessage(LogLevel.Information, "Run {Run}: a grain answers late and is asked again ({Reason})")]
    private partial void LogLate(string run, string reason);

    [LoggerMessage(LogLevel.Warning, "Run {Run}: publishing events failed")]
    private partial void LogPublishFailed(string run, Exception failure);
}
