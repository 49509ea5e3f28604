using System.Collections.Immutable;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Protocol.Rewards;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Training.Models;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Runs;

/// <summary>
/// One uninterrupted stretch of a run in exact mode, on the run grain's scheduler: hands out orders and counts what is reported. All
/// shards work through the same plan.
/// </summary>
internal sealed class RunSession : IRunSession
{
    private const int StepsAhead = 2;

    private readonly Guid _id;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly TrainingRunSpecification _specification;
    private readonly ImmutableArray<ShardKey> _shards;
    private readonly OrderLedger _ledger;
    private readonly RunRecorder _recorder;
    private readonly ThroughputMeter _throughput = new();
    private long _plannedStep;
    private long _plannedSequence;
    private long _completedStep;
    private long? _stopAfterStep;
    private long _stepStarted;

    public RunSession(Guid id, TrainingRunState state, IGrainFactory grains, IWorkLedger ledger, TimeProvider time, Func<TrainingRunState, Task> save, ILogger logger)
    {
        _id = id;
        _specification = state.Specification;
        _grains = grains;
        _time = time;
        _shards = _specification.Shards;
        _recorder = new RunRecorder(state with { Phase = RunPhase.Training }, grains, ledger, time, save, () => Task.WhenAll(_shards.Select(shard => Shard(shard).ReleaseAsync(id))), logger);
        _ledger = new OrderLedger(_shards.Length);
        _plannedStep = _completedStep = state.CheckpointStep;
    }

    /// <inheritdoc />
    public bool Active => !_recorder.Ended.IsCompleted;

    /// <inheritdoc />
    public void Begin()
    {
        _stepStarted = _time.GetTimestamp();
        _recorder.Publish(new RunStarted
        {
            Step = _completedStep,
            Run = _specification.Run,
            Steps = _specification.Steps,
            Parameters = ParameterLayout.CountParameters(_specification.Model),
            TokensPerStep = _specification.TokensPerStep,
            Stages = [.. _shards.Select(View)],
            Point = _recorder.Point,
        });
        _recorder.SettleEarlier();
        if (_completedStep == _specification.Steps)
        {
            // The process of the session before this one ended between its last checkpoint and the last settlement.
            _recorder.Settle(WorkPlan.EpochOf(_specification, _completedStep), _completedStep);
        }

        PlanAhead();
        EndWhenDone();
    }

    /// <inheritdoc />
    public async Task StopAsync()
    {
        if (Active && _recorder.Phase == RunPhase.Training)
        {
            _recorder.EnterPhase(RunPhase.Stopping);
            _stopAfterStep = _plannedStep;
            var lastPlannedIsSnapshot = _plannedStep == _specification.Steps || _plannedStep % _specification.CheckpointInterval == 0;
            if (_plannedStep > _recorder.CheckpointStep && !lastPlannedIsSnapshot)
            {
                Send([new WorkOrder { Sequence = ++_plannedSequence, Kind = WorkKind.Snapshot, Step = _plannedStep, Epoch = WorkPlan.EpochOf(_specification, _plannedStep) }]);
            }

            EndWhenDone();
        }

        await _recorder.Ended;
    }

    /// <inheritdoc />
    public void Report(ShardReport report)
    {
        if (report.Session != _id || !Active)
        {
            return;
        }

        if (report.Failure is not null)
        {
            _recorder.Fail(_completedStep, report.Failure);
            return;
        }

        foreach (var reports in _ledger.Add(_shards.IndexOf(new ShardKey(_specification.Run, report.Stage, report.Miner)), report))
        {
            Complete(reports);
        }

        PlanAhead();
        EndWhenDone();
    }

    /// <inheritdoc />
    public void Probe() => Send([]);

    /// <inheritdoc />
    public void ReportLoss(string miner)
    {
        if (_shards.Any(shard => shard.Miner == miner))
        {
            _recorder.Fail(_completedStep, $"the silo of {miner} was lost");
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
                _stepStarted = _time.GetTimestamp();
                _recorder.Evaluated(order.Step, MeanLoss(reports));
                break;
            case WorkKind.Snapshot:
                CompleteSnapshot(order, reports);
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
        _recorder.Count(Receipts.OfStep(_specification, order.Step));
        ImmutableArray<double> busy = [.. reports.Select(report => Math.Min(1, report.Busy / Max(report.Elapsed, TimeSpan.FromTicks(1))))];
        _recorder.Publish(new StepCompleted
        {
            Step = order.Step,
            Loss = MeanLoss(reports),
            GradientNorm = reports[0].GradientNorm,
            LearningRate = order.LearningRate,
            TokensPerSecond = _throughput.Recent,
            BusyShares = busy,
            // A miner with several stages is busy with one of them at a time.
            Bubble = Math.Max(0, 1 - (busy.Sum() / _shards.Select(shard => shard.Miner).Distinct().Count())),
            ScheduledBubble = ScheduledBubble(reports),
        });
        if (WorkPlan.EndsEpoch(_specification, order.Step))
        {
            _recorder.Settle(order.Epoch, order.Step);
        }
    }

    private void CompleteSnapshot(WorkOrder order, ImmutableArray<ShardReport> reports)
    {
        if (ReplicaAgreement.Objection(reports) is { } objection)
        {
            _recorder.Fail(_completedStep, objection);
            return;
        }

        _recorder.Checkpoint(order.Step, Sources());
    }

    private double ScheduledBubble(ImmutableArray<ShardReport> reports)
    {
        double passes = _specification.MicroBatches * _specification.Stages.Length;
        return ReplicaSchedule.BubbleShare(_specification, new ScheduleCosts(
            reports.Sum(report => report.Passes.Forward.TotalSeconds) / passes,
            reports.Sum(report => report.Passes.BackwardInput.TotalSeconds) / passes,
            reports.Sum(report => report.Passes.BackwardWeights.TotalSeconds) / passes));
    }

    private void PlanAhead()
    {
        var orders = ImmutableArray.CreateBuilder<WorkOrder>();
        while (_recorder.Phase == RunPhase.Training && _plannedStep < _specification.Steps && _plannedStep < _completedStep + StepsAhead)
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
        foreach (var shard in _shards)
        {
            _ = SendAsync(shard, orders);
        }
    }

    private async Task SendAsync(ShardKey shard, WorkOrder[] orders)
    {
        try
        {
            await Shard(shard).EnqueueAsync(_id, orders);
        }
        catch (Exception failure)
        {
            _recorder.Fail(_completedStep, $"stage {shard.Stage} on {shard.Miner} cannot be reached: {failure.Message}");
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
            _ = _recorder.EndAsync(RunPhase.Finished, _completedStep, _throughput.Mean);
        }
        else if (_completedStep == _stopAfterStep)
        {
            _ = _recorder.EndAsync(RunPhase.Interrupted, _completedStep, _throughput.Mean);
        }
    }

    /// <summary>Mean over the last stage's shards, each by the micro-batches that it saw.</summary>
    private static double MeanLoss(ImmutableArray<ShardReport> reports)
    {
        var (sum, passes) = (0.0, 0);
        foreach (var report in reports.Where(report => report.Loss is not null))
        {
            sum += report.Loss!.Value * report.ForwardPasses;
            passes += report.ForwardPasses;
        }

        return passes == 0 ? double.NaN : sum / passes;
    }

    /// <summary>Replicas of a stage are equal: the first one's snapshot stands for all.</summary>
    private ImmutableArray<ShardKey> Sources() => [.. _shards.DistinctBy(shard => shard.Stage)];

    private StageView View(ShardKey shard) => new(
        shard.Stage,
        _specification.Stages[shard.Stage],
        shard.Miner,
        ParameterLayout.Of(_specification.Model, _specification.Stages[shard.Stage]).Count,
        BusyShare: 0);

    private IShardGrain Shard(ShardKey shard) => _grains.GetGrain<IShardGrain>(shard.ToString());

    private static TimeSpan Max(TimeSpan first, TimeSpan second) => first > second ? first : second;
}
