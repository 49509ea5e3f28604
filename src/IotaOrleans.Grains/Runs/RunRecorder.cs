using System.Collections.Immutable;
using IotaOrleans.Protocol.Runs;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Runs;

/// <summary>
/// What follows the steps of a session, each in order and none holding the steps up: events for the view, settlements, checkpoints and
/// the end. Runs on the run grain's scheduler.
/// </summary>
/// <param name="state">The run's state; the recorder owns it during the session.</param>
/// <param name="grains">The way to the other grains.</param>
/// <param name="time">Clock.</param>
/// <param name="save">Stores the state.</param>
/// <param name="release">Frees the session's shards at its end.</param>
/// <param name="logger">Receives what went wrong.</param>
internal sealed partial class RunRecorder(
    TrainingRunState state, IGrainFactory grains, TimeProvider time, Func<TrainingRunState, Task> save, Func<Task> release, ILogger logger)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<RunEvent> _events = new();
    private readonly long _started = time.GetTimestamp();
    private Task _settled = Task.CompletedTask;
    private Task _checkpointed = Task.CompletedTask;
    private bool _publishing;

    /// <summary>Validation loss of the last evaluation, NaN before the first.</summary>
    public double ValidationLoss { get; set; } = state.ValidationLoss ?? double.NaN;

    public RunPhase Phase => state.Phase;

    public long CheckpointStep => state.CheckpointStep;

    public Task Ended => _ended.Task;

    private TrainingRunSpecification Specification => state.Specification;

    private string Run => state.Specification.Run;

    private bool IsOver => _ended.Task.IsCompleted || state.Phase is RunPhase.Failed or RunPhase.Finished or RunPhase.Interrupted;

    public void EnterPhase(RunPhase phase) => state = state with { Phase = phase };

    /// <summary>Sends events to the view in order, one call at a time, as many as have gathered.</summary>
    public void Publish(RunEvent @event)
    {
        _events.Enqueue(@event with { At = time.GetUtcNow() });
        if (!_publishing)
        {
            _publishing = true;
            _ = PublishAllAsync();
        }
    }

    public void Evaluated(long step, double loss)
    {
        ValidationLoss = loss;
        Publish(new EvaluationCompleted { Step = step, ValidationLoss = loss });
    }

    /// <summary>Writes the checkpoint of a step whose snapshots are taken.</summary>
    /// <param name="step">The step.</param>
    /// <param name="openWork">Work of the epoch that is not closed yet.</param>
    /// <param name="sources">The shard of each stage that has the snapshot.</param>
    /// <param name="position">Micro-batches that are done, in elastic mode.</param>
    public void Checkpoint(long step, ImmutableArray<WorkRecord> openWork, ImmutableArray<ShardKey> sources, LedgerPosition? position = null) =>
        _checkpointed = CheckpointAsync(_checkpointed, step, openWork, sources, position);

    /// <summary>Closes a reward epoch.</summary>
    public void Settle(int epoch, long step, ImmutableArray<WorkRecord> work) => _settled = SettleAsync(_settled, epoch, step, work);

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
            await Task.WhenAll(_settled, _checkpointed);
            if (IsOver)
            {
                return;
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

    private async Task CheckpointAsync(Task previous, long step, ImmutableArray<WorkRecord> openWork, ImmutableArray<ShardKey> sources, LedgerPosition? position)
    {
        await previous;
        try
        {
            var elapsed = state.Elapsed + time.GetElapsedTime(_started);
            var path = await new CheckpointWriter(grains).WriteAsync(Specification, step, sources);
            for (var stage = 0; stage < Specification.Stages.Length; stage++)
            {
                await grains.GetGrain<IStageGrain>($"{Run}/{stage}").CommitAsync(step);
            }

            state = state with
            {
                CheckpointStep = step,
                Checkpoint = path,
                Epoch = WorkPlan.EpochOf(Specification, step),
                OpenWork = openWork,
                Position = position,
                ValidationLoss = double.IsNaN(ValidationLoss) ? null : ValidationLoss,
                Elapsed = elapsed,
            };
            await save(state);
            Publish(new CheckpointWritten { Step = step, Checkpoint = path });
        }
        catch (Exception failure)
        {
            LogCheckpointFailed(Run, step, failure);
            await EndAsync(RunPhase.Failed, step, 0, $"the checkpoint of step {step} could not be written: {failure.Message}");
        }
    }

    private async Task SettleAsync(Task previous, int epoch, long step, ImmutableArray<WorkRecord> work)
    {
        await previous;
        try
        {
            var settlement = await grains.GetGrain<IRewardEpochGrain>($"{Run}/{epoch}").CloseAsync(Specification.EpochEmission, work);
            foreach (var payslip in settlement.Payslips)
            {
                var record = work.FirstOrDefault(entry => entry.Miner == payslip.Miner && entry.Stage == payslip.Stage)
                    ?? new WorkRecord { Miner = payslip.Miner, Stage = payslip.Stage, BackwardPasses = payslip.BackwardPasses, Tokens = payslip.Tokens };
                await grains.GetGrain<IMinerGrain>(payslip.Miner).AddEpochAsync(Run, epoch, record, payslip.Paid);
            }

            Publish(new EpochClosed { Step = step, Settlement = settlement });
        }
        catch (Exception failure)
        {
            LogSettlementFailed(Run, epoch, failure);
            await EndAsync(RunPhase.Failed, step, 0, $"reward epoch {epoch} could not be settled: {failure.Message}");
        }
    }

    private async Task<ImmutableArray<MinerReward>> RewardsAsync()
    {
        var settlements = new List<EpochSettlement>();
        for (var epoch = 0; epoch <= WorkPlan.EpochOf(Specification, Specification.Steps); epoch++)
        {
            if (await grains.GetGrain<IRewardEpochGrain>($"{Run}/{epoch}").GetAsync() is { } settlement)
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
        finally
        {
            _publishing = false;
        }
    }

    [LoggerMessage(LogLevel.Error, "Run {Run}: the checkpoint of step {Step} failed")]
    private partial void LogCheckpointFailed(string run, long step, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}: settling epoch {Epoch} failed")]
    private partial void LogSettlementFailed(string run, int epoch, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}: ending the session failed")]
    private partial void LogEndFailed(string run, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Run {Run}: publishing events failed")]
    private partial void LogPublishFailed(string run, Exception failure);
}
