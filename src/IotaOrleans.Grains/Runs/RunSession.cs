using System.Collections.Immutable;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Training.Models;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Runs;

/// <summary>
/// One uninterrupted stretch of a run, on the run grain's scheduler: hands out orders, counts what is reported, and lets the slow
/// things (checkpoints, settlements, views) follow in order behind the steps without holding them up.
/// </summary>
internal sealed partial class RunSession
{
    private const int StepsAhead = 2;

    private readonly Guid _id;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly Func<TrainingRunState, Task> _save;
    private readonly ILogger _logger;
    private readonly TrainingRunSpecification _specification;
    private readonly OrderLedger _ledger;
    private readonly ThroughputMeter _throughput = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<RunEvent> _events = new();
    private TrainingRunState _state;
    private ImmutableArray<WorkRecord> _work;
    private Task _settled = Task.CompletedTask;
    private Task _checkpointed = Task.CompletedTask;
    private bool _publishing;
    private long _plannedStep;
    private long _plannedSequence;
    private long _completedStep;
    private long? _stopAfterStep;
    private double _validationLoss = double.NaN;
    private long _started;
    private long _stepStarted;

    public RunSession(Guid id, TrainingRunState state, IGrainFactory grains, TimeProvider time, Func<TrainingRunState, Task> save, ILogger logger)
    {
        _id = id;
        _state = state with { Phase = RunPhase.Training };
        _specification = state.Specification;
        _grains = grains;
        _time = time;
        _save = save;
        _logger = logger;
        _ledger = new OrderLedger(_specification.Stages.Length);
        _work = state.OpenWork;
        _plannedStep = _completedStep = state.CheckpointStep;
        _validationLoss = state.ValidationLoss ?? double.NaN;
    }

    /// <summary>Whether steps, or what follows them, are still under way.</summary>
    public bool Active => !_ended.Task.IsCompleted;

    private string Run => _specification.Run;

    /// <summary>Hands out the first orders.</summary>
    public void Begin()
    {
        _started = _stepStarted = _time.GetTimestamp();
        Publish(new RunStarted
        {
            Step = _completedStep,
            Run = Run,
            Steps = _specification.Steps,
            Parameters = ParameterLayout.CountParameters(_specification.Model),
            TokensPerStep = _specification.TokensPerStep,
            Stages = [.. Enumerable.Range(0, _specification.Stages.Length).Select(stage => View(stage, 0))],
        });
        PlanAhead();
    }

    /// <summary>Finishes the steps that are planned, writes a checkpoint and ends.</summary>
    public async Task StopAsync()
    {
        if (Active && _state.Phase == RunPhase.Training)
        {
            _state = _state with { Phase = RunPhase.Stopping };
            _stopAfterStep = _plannedStep;
            var lastPlannedIsSnapshot = _plannedStep == _specification.Steps || _plannedStep % _specification.CheckpointInterval == 0;
            if (_plannedStep > _state.CheckpointStep && !lastPlannedIsSnapshot)
            {
                Send([new WorkOrder { Sequence = ++_plannedSequence, Kind = WorkKind.Snapshot, Step = _plannedStep, Epoch = WorkPlan.EpochOf(_specification, _plannedStep) }]);
            }

            EndWhenDone();
        }

        await _ended.Task;
    }

    /// <summary>Takes a shard's report.</summary>
    public void Report(ShardReport report)
    {
        if (report.Session != _id || !Active)
        {
            return;
        }

        if (report.Failure is not null)
        {
            _ = EndAsync(RunPhase.Failed, report.Failure);
            return;
        }

        foreach (var reports in _ledger.Add(report))
        {
            Complete(reports);
        }

        PlanAhead();
        EndWhenDone();
    }

    /// <summary>Ends the session if the miner holds a stage: its weights are gone.</summary>
    public void ReportLoss(string miner)
    {
        if (_specification.Miners.Contains(miner))
        {
            _ = EndAsync(RunPhase.Failed, $"the silo of {miner} was lost");
        }
    }

    private void Complete(ImmutableArray<ShardReport> reports)
    {
        var order = reports[0].Order;
        switch (order.Kind)
        {
            case WorkKind.Train:
                CompleteStep(order, reports);
                break;
            case WorkKind.Evaluate:
                _validationLoss = reports[^1].Loss ?? double.NaN;
                _stepStarted = _time.GetTimestamp();
                Publish(new EvaluationCompleted { Step = order.Step, ValidationLoss = _validationLoss });
                break;
            case WorkKind.Snapshot:
                _checkpointed = CheckpointAsync(_checkpointed, order.Step, _work);
                break;
            default:
                throw new InvalidOperationException($"unknown kind of order {order.Kind}");
        }
    }

    private void CompleteStep(WorkOrder order, ImmutableArray<ShardReport> reports)
    {
        var now = _time.GetTimestamp();
        var elapsed = _time.GetElapsedTime(_stepStarted, now);
        _stepStarted = now;
        _completedStep = order.Step;
        _throughput.Add(_specification.TokensPerStep, elapsed);
        _work = WorkCounter.Add(_work, reports, (long)_specification.MicroBatchSize * _specification.ContextLength);
        ImmutableArray<double> busy = [.. reports.Select(report => Math.Min(1, report.Busy / Max(report.Elapsed, TimeSpan.FromTicks(1))))];
        Publish(new StepCompleted
        {
            Step = order.Step,
            Loss = reports[^1].Loss ?? double.NaN,
            GradientNorm = reports[0].GradientNorm,
            LearningRate = order.LearningRate,
            TokensPerSecond = _throughput.Recent,
            BusyShares = busy,
            // A miner with several stages is busy with one of them at a time.
            Bubble = Math.Max(0, 1 - (busy.Sum() / _specification.Ranks)),
            ScheduledBubble = ScheduledBubble(reports),
        });
        if (WorkPlan.EndsEpoch(_specification, order.Step))
        {
            _settled = SettleAsync(_settled, order.Epoch, order.Step, _work);
            _work = [];
        }
    }

    private double ScheduledBubble(ImmutableArray<ShardReport> reports)
    {
        var costs = new ScheduleCosts(
            reports.Sum(report => report.Passes.Forward.TotalSeconds),
            reports.Sum(report => report.Passes.BackwardInput.TotalSeconds),
            reports.Sum(report => report.Passes.BackwardWeights.TotalSeconds));
        return PipelineSchedule.Bubble(_specification.Schedule, _specification.Ranks, _specification.MicroBatches, _specification.Chunks, PerPass(costs)).Share;

        ScheduleCosts PerPass(ScheduleCosts sum)
        {
            double passes = _specification.MicroBatches * reports.Length;
            return new ScheduleCosts(sum.Forward / passes, sum.BackwardInput / passes, sum.BackwardWeights / passes);
        }
    }

    private void PlanAhead()
    {
        var orders = ImmutableArray.CreateBuilder<WorkOrder>();
        while (_state.Phase == RunPhase.Training && _plannedStep < _specification.Steps && _plannedStep < _completedStep + StepsAhead)
        {
            _plannedStep++;
            var step = WorkPlan.ForStep(_specification, _plannedStep, _plannedSequence + 1);
            _plannedSequence = step[^1].Sequence;
            orders.AddRange(step);
        }

        if (orders.Count > 0)
        {
            Send(orders.ToArray());
        }
    }

    private void Send(WorkOrder[] orders)
    {
        for (var stage = 0; stage < _specification.Stages.Length; stage++)
        {
            _ = SendAsync(stage, orders);
        }
    }

    private async Task SendAsync(int stage, WorkOrder[] orders)
    {
        try
        {
            await Shard(stage).EnqueueAsync(_id, orders);
        }
        catch (Exception failure)
        {
            await EndAsync(RunPhase.Failed, $"stage {stage} on {_specification.Miners[stage]} cannot be reached: {failure.Message}");
        }
    }

    private void EndWhenDone()
    {
        if (_ledger.Completed < _plannedSequence || !Active)
        {
            return;
        }

        if (_completedStep == _specification.Steps)
        {
            _ = EndAsync(RunPhase.Finished, null);
        }
        else if (_completedStep == _stopAfterStep)
        {
            _ = EndAsync(RunPhase.Interrupted, null);
        }
    }

    private async Task CheckpointAsync(Task previous, long step, ImmutableArray<WorkRecord> openWork)
    {
        await previous;
        try
        {
            var elapsed = _state.Elapsed + _time.GetElapsedTime(_started);
            var path = await new CheckpointWriter(_grains).WriteAsync(_specification, step);
            for (var stage = 0; stage < _specification.Stages.Length; stage++)
            {
                await _grains.GetGrain<IStageGrain>($"{Run}/{stage}").CommitAsync(step);
            }

            _state = _state with
            {
                CheckpointStep = step,
                Checkpoint = path,
                Epoch = WorkPlan.EpochOf(_specification, step),
                OpenWork = openWork,
                ValidationLoss = double.IsNaN(_validationLoss) ? null : _validationLoss,
                Elapsed = elapsed,
            };
            await _save(_state);
            Publish(new CheckpointWritten { Step = step, Checkpoint = path });
        }
        catch (Exception failure)
        {
            LogCheckpointFailed(Run, step, failure);
            await EndAsync(RunPhase.Failed, $"the checkpoint of step {step} could not be written: {failure.Message}");
        }
    }

    private async Task SettleAsync(Task previous, int epoch, long step, ImmutableArray<WorkRecord> work)
    {
        await previous;
        try
        {
            var settlement = await _grains.GetGrain<IRewardEpochGrain>($"{Run}/{epoch}").CloseAsync(_specification.EpochEmission, work);
            foreach (var payslip in settlement.Payslips)
            {
                var record = work.FirstOrDefault(entry => entry.Miner == payslip.Miner && entry.Stage == payslip.Stage)
                    ?? new WorkRecord { Miner = payslip.Miner, Stage = payslip.Stage, BackwardPasses = payslip.BackwardPasses, Tokens = payslip.Tokens };
                await _grains.GetGrain<IMinerGrain>(payslip.Miner).AddEpochAsync(Run, epoch, record, payslip.Paid);
            }

            Publish(new EpochClosed { Step = step, Settlement = settlement });
        }
        catch (Exception failure)
        {
            LogSettlementFailed(Run, epoch, failure);
            await EndAsync(RunPhase.Failed, $"reward epoch {epoch} could not be settled: {failure.Message}");
        }
    }

    private async Task EndAsync(RunPhase phase, string? failure)
    {
        if (!Active || _state.Phase is RunPhase.Failed or RunPhase.Finished or RunPhase.Interrupted)
        {
            return;
        }

        var seconds = _time.GetElapsedTime(_started).TotalSeconds;
        if (failure is null)
        {
            await Task.WhenAll(_settled, _checkpointed);
            if (!Active || _state.Phase is RunPhase.Failed or RunPhase.Finished or RunPhase.Interrupted)
            {
                return;
            }
        }

        _state = _state with { Phase = phase, Failure = failure };
        try
        {
            await _save(_state);
            Publish(phase switch
            {
                RunPhase.Finished => new RunFinished
                {
                    Step = _completedStep,
                    ValidationLoss = _validationLoss,
                    TokensPerSecond = _throughput.Mean,
                    Checkpoint = _state.Checkpoint!,
                    Rewards = await RewardsAsync(),
                    Seconds = seconds,
                },
                RunPhase.Interrupted => new RunInterrupted { Step = _completedStep, Checkpoint = _state.Checkpoint },
                _ => new RunFailed { Step = _completedStep, Failure = failure!, Checkpoint = _state.Checkpoint },
            });
            await Task.WhenAll(Enumerable.Range(0, _specification.Stages.Length).Select(stage => Shard(stage).ReleaseAsync(_id)));
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

    private async Task<ImmutableArray<MinerReward>> RewardsAsync()
    {
        var settlements = new List<EpochSettlement>();
        for (var epoch = 0; epoch <= WorkPlan.EpochOf(_specification, _specification.Steps); epoch++)
        {
            if (await _grains.GetGrain<IRewardEpochGrain>($"{Run}/{epoch}").GetAsync() is { } settlement)
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

    /// <summary>Sends events to the view in order, one call at a time, as many as have gathered.</summary>
    private void Publish(RunEvent @event)
    {
        _events.Enqueue(@event with { At = _time.GetUtcNow() });
        if (!_publishing)
        {
            _publishing = true;
            _ = PublishAllAsync();
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
                await _grains.GetGrain<IRunViewGrain>(Run).PublishAsync(_state.Phase, batch);
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

    private StageView View(int stage, double busyShare) => new(
        stage,
        _specification.Stages[stage],
        _specification.Miners[stage],
        ParameterLayout.Of(_specification.Model, _specification.Stages[stage]).Count,
        busyShare);

    private IShardGrain Shard(int stage) => _grains.GetGrain<IShardGrain>(new ShardKey(Run, stage, _specification.Miners[stage]).ToString());

    private static TimeSpan Max(TimeSpan first, TimeSpan second) => first > second ? first : second;

    [LoggerMessage(LogLevel.Error, "Run {Run}: the checkpoint of step {Step} failed")]
    private partial void LogCheckpointFailed(string run, long step, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}: settling epoch {Epoch} failed")]
    private partial void LogSettlementFailed(string run, int epoch, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}: ending the session failed")]
    private partial void LogEndFailed(string run, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Run {Run}: publishing events failed")]
    private partial void LogPublishFailed(string run, Exception failure);
}
