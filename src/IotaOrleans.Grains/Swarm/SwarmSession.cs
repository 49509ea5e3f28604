using System.Collections.Immutable;
using IotaOrleans.Grains.Runs;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Swarm;
using IotaOrleans.Training.Models;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// One uninterrupted stretch of a run in elastic mode, on the run grain's scheduler: gives out micro-batches to whoever asks, counts each
/// once, and lets the stages merge every so many steps. A miner that is lost costs what it had under way, and nobody waits for it.
/// </summary>
internal sealed partial class SwarmSession : IRunSession
{
    private readonly Guid _id;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TrainingRunSpecification _specification;
    private readonly RunRecorder _recorder;
    private readonly MicroBatchLedger _ledger;
    private readonly StepCounter _steps;
    private readonly ThroughputMeter _throughput = new();
    private readonly Dictionary<ShardKey, ShardActivity> _activity = [];
    private readonly Dictionary<ShardKey, int> _waiting = [];
    private SwarmMembers _members;
    private ImmutableArray<WorkRecord> _work;
    private TaskCompletionSource<double>? _evaluation;
    private TaskCompletionSource? _snapshots;
    private Task _milestones = Task.CompletedTask;
    private HashSet<int> _snapshotsDue = [];
    private long _completedStep;
    private long _sequence;
    private long _stepStarted;
    private bool _stopping;

    public SwarmSession(Guid id, TrainingRunState state, IGrainFactory grains, TimeProvider time, Func<TrainingRunState, Task> save, ILogger logger)
    {
        (_id, _grains, _time, _logger) = (id, grains, time, logger);
        _specification = state.Specification;
        _members = new SwarmMembers(1, _specification.Miners);
        _recorder = new RunRecorder(state with { Phase = RunPhase.Training }, grains, time, save, ReleaseAsync, logger);
        _work = state.OpenWork;
        _completedStep = state.CheckpointStep;
        _ledger = new MicroBatchLedger(
            MicroBatchNumber.FirstOf(_specification, _completedStep + 1), MicroBatchNumber.FirstOf(_specification, _specification.Steps + 1));
        _steps = new StepCounter(_specification.MicroBatches);
    }

    /// <inheritdoc />
    public bool Active => !_recorder.Ended.IsCompleted;

    private IEnumerable<ShardKey> Shards => _members.Stages.SelectMany((miners, stage) => miners.Select(miner => new ShardKey(_specification.Run, stage, miner)));

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
            Stages = [.. Shards.Select(View)],
        });
        // The first grants; from then on the shards ask.
        foreach (var shard in Shards.Where(shard => shard.Stage == 0))
        {
            Give(shard, FirstGrant);
        }
    }

    private int FirstGrant => (2 * _specification.Stages.Length) - 1;

    /// <inheritdoc />
    public async Task StopAsync()
    {
        if (Active && _recorder.Phase == RunPhase.Training)
        {
            _recorder.EnterPhase(RunPhase.Stopping);
            _stopping = true;
            _ledger.Close();
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
            _recorder.Fail(report.Failure);
        }
        else if (report.Order.Kind == WorkKind.Evaluate)
        {
            _evaluation?.TrySetResult(report.Loss ?? double.NaN);
        }
        else if (report.Order.Kind == WorkKind.Snapshot && _snapshotsDue.Remove(report.Stage) && _snapshotsDue.Count == 0)
        {
            _snapshots?.TrySetResult();
        }
    }

    /// <summary>Counts what a shard did and gives it what it asks for.</summary>
    public ImmutableArray<long> Report(SwarmReport report)
    {
        if (report.Session != _id || !Active || !IsMember(report.Shard))
        {
            return [];
        }

        foreach (var loss in report.Losses)
        {
            _steps.AddLoss(loss.Loss);
        }

        ActivityOf(report.Shard).Add(report);
        foreach (var (number, pathway) in report.Completed)
        {
            if (_ledger.Complete(number))
            {
                _work = WorkCounter.Add(_work, pathway, _specification.MicroBatchSize * (long)_specification.ContextLength);
                if (_steps.Complete() is { } loss)
                {
                    CompleteStep(loss);
                }
            }
        }

        EndWhenDone();
        var granted = report.Wanted > 0 ? _ledger.Grant(report.Shard.Miner, report.Wanted) : [];
        _waiting[report.Shard] = report.Wanted - granted.Length;
        return granted;
    }

    /// <inheritdoc />
    public void ReportLoss(string miner)
    {
        if (!Active || !_members.Stages.Any(miners => miners.Contains(miner)))
        {
            return;
        }

        var before = _members.Stages;
        SetMembers([.. before.Select(miners => miners.Remove(miner))]);
        for (var stage = 0; stage < before.Length; stage++)
        {
            if (before[stage].Contains(miner))
            {
                _ = Stage(stage).LoseAsync(miner);
            }
        }

        LogLost(_specification.Run, miner, _ledger.Return(miner));
        var empty = _members.Stages.ToList().FindIndex(miners => miners.IsEmpty);
        if (empty >= 0)
        {
            _recorder.Fail($"the silo of {miner} was lost, the last miner of stage {empty}");
            return;
        }

        _evaluation?.TrySetCanceled();
        foreach (var (shard, wanted) in _waiting.Where(entry => entry.Value > 0 && IsMember(entry.Key)).ToArray())
        {
            Give(shard, wanted);
        }
    }

    private void SetMembers(ImmutableArray<ImmutableArray<string>> stages)
    {
        _members = new SwarmMembers(_members.Version + 1, stages);
        foreach (var shard in Shards)
        {
            _ = TellAsync(shard, grain => grain.SetMembersAsync(_id, _members));
        }
    }

    private void Give(ShardKey shard, int count)
    {
        var granted = _ledger.Grant(shard.Miner, count);
        _waiting[shard] = count - granted.Length;
        if (granted.Length > 0)
        {
            _ = TellAsync(shard, grain => grain.GrantAsync(_id, granted));
        }
    }

    private async Task TellAsync(ShardKey shard, Func<ISwarmShardGrain, Task> tell)
    {
        try
        {
            await tell(_grains.GetGrain<ISwarmShardGrain>(shard.ToString()));
        }
        catch (Exception failure)
        {
            LogUnreachable(shard, failure);
            ReportLoss(shard.Miner);
        }
    }

    private void CompleteStep(double loss)
    {
        var now = _time.GetTimestamp();
        var elapsed = _time.GetElapsedTime(_stepStarted, now);
        _stepStarted = now;
        _completedStep++;
        _throughput.Add(_specification.TokensPerStep, elapsed);
        var shards = Shards.ToArray();
        ImmutableArray<double> busy = [.. shards.Select(shard => ActivityOf(shard).BusyShare)];
        _recorder.Publish(new StepCompleted
        {
            Step = _completedStep,
            Loss = loss,
            LearningRate = LearningRateSchedule.At(_specification.Optimizer, _completedStep, _specification.Steps),
            TokensPerSecond = _throughput.Recent,
            BusyShares = busy,
            Bubble = Math.Max(0, 1 - busy.DefaultIfEmpty(1).Average()),
        });
        if (WorkPlan.EndsEpoch(_specification, _completedStep))
        {
            _recorder.Settle(WorkPlan.EpochOf(_specification, _completedStep), _completedStep, _work);
            _work = [];
        }

        if (_completedStep < _specification.Steps && !_stopping)
        {
            PassMilestones(_completedStep, _completedStep % _specification.Swarm.InnerSteps == 0,
                _completedStep % _specification.EvaluationInterval == 0, _completedStep % _specification.CheckpointInterval == 0);
        }
    }

    /// <summary>Merges, evaluates and takes snapshots in order behind the steps, which go on meanwhile.</summary>
    private void PassMilestones(long step, bool merges, bool evaluates, bool checkpoints, bool last = false)
    {
        // A merge that comes while the one before is under way would find nothing new.
        if ((merges && _milestones.IsCompleted) || evaluates || checkpoints || last)
        {
            _milestones = PassMilestonesAsync(_milestones, step, last, evaluates, checkpoints, _work);
        }
    }

    private async Task PassMilestonesAsync(Task previous, long step, bool last, bool evaluates, bool checkpoints, ImmutableArray<WorkRecord> openWork)
    {
        await previous;
        try
        {
            await MergeAsync(step, last);
            if (evaluates)
            {
                _recorder.Evaluated(step, await EvaluateAsync(step));
            }

            if (checkpoints)
            {
                _recorder.Checkpoint(step, openWork, await SnapshotAsync(step));
            }
        }
        catch (Exception failure)
        {
            LogMilestoneFailed(_specification.Run, step, failure);
            _recorder.Fail($"step {step}: {failure.Message}");
        }
    }

    private void EndWhenDone()
    {
        var finished = _ledger.IsComplete && !_stopping;
        if (!Active || !(finished || (_stopping && _ledger.Open == 0)))
        {
            return;
        }

        if (_ending is null)
        {
            _ending = EndAsync(finished ? RunPhase.Finished : RunPhase.Interrupted);
        }
    }

    private Task? _ending;

    private async Task EndAsync(RunPhase phase)
    {
        if (_completedStep > _recorder.CheckpointStep)
        {
            PassMilestones(_completedStep, merges: true, evaluates: phase == RunPhase.Finished, checkpoints: true, last: true);
        }

        await _milestones;
        await _recorder.EndAsync(phase, _completedStep, _throughput.Mean);
    }

    private async Task MergeAsync(long step, bool last)
    {
        var reports = await Task.WhenAll(_members.Stages.Select((miners, stage) => Stage(stage).MergeAsync(
            [.. miners.Select(miner => new MinerWork(miner, ActivityOf(new ShardKey(_specification.Run, stage, miner)).BackwardPasses))], last)));
        foreach (var report in reports.OfType<MergeReport>())
        {
            LogMerged(_specification.Run, report.Merge.Stage, step, report.Outcome.Kind, report.Contributors.Length, report.Duration.TotalMilliseconds);
        }
    }

    private IStageGrain Stage(int stage) => _grains.GetGrain<IStageGrain>($"{_specification.Run}/{stage}");

    private async Task<double> EvaluateAsync(long step)
    {
        while (true)
        {
            _evaluation = new TaskCompletionSource<double>(TaskCreationOptions.RunContinuationsAsynchronously);
            var order = new WorkOrder { Sequence = ++_sequence, Kind = WorkKind.Evaluate, Step = step, Epoch = WorkPlan.EpochOf(_specification, step) };
            await Shard(First(0)).EnqueueAsync(_id, [order]);
            try
            {
                return await _evaluation.Task;
            }
            catch (OperationCanceledException)
            {
                // A miner was lost, perhaps one that evaluated: once more, with those who are there.
            }
        }
    }

    private async Task<ImmutableArray<ShardKey>> SnapshotAsync(long step)
    {
        ImmutableArray<ShardKey> sources = [.. Enumerable.Range(0, _specification.Stages.Length).Select(First)];
        _snapshotsDue = [.. sources.Select(source => source.Stage)];
        _snapshots = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var order = new WorkOrder { Sequence = ++_sequence, Kind = WorkKind.Snapshot, Step = step, Epoch = WorkPlan.EpochOf(_specification, step) };
        await Task.WhenAll(sources.Select(source => Shard(source).EnqueueAsync(_id, [order])));
        await _snapshots.Task;
        return sources;
    }

    private Task ReleaseAsync() => Task.WhenAll(Shards.Select(shard => Shard(shard).ReleaseAsync(_id)));

    private bool IsMember(ShardKey shard) => shard.Run == _specification.Run && shard.Stage >= 0 && shard.Stage < _members.Stages.Length && _members.Stages[shard.Stage].Contains(shard.Miner);

    private ShardKey First(int stage) => new(_specification.Run, stage, _members.Stages[stage][0]);

    private IShardGrain Shard(ShardKey shard) => _grains.GetGrain<IShardGrain>(shard.ToString());

    private ShardActivity ActivityOf(ShardKey shard) => _activity.TryGetValue(shard, out var activity) ? activity : _activity[shard] = new ShardActivity();

    private StageView View(ShardKey shard) => new(
        shard.Stage,
        _specification.Stages[shard.Stage],
        shard.Miner,
        ParameterLayout.Of(_specification.Model, _specification.Stages[shard.Stage]).Count,
        BusyShare: 0);

    [LoggerMessage(LogLevel.Warning, "Run {Run}: {Miner} was lost; {Count} micro-batches are given out again")]
    private partial void LogLost(string run, string miner, int count);

    [LoggerMessage(LogLevel.Debug, "Run {Run}, stage {Stage}, step {Step}: {Outcome} of {Count} replicas in {Milliseconds} ms")]
    private partial void LogMerged(string run, int stage, long step, MergeOutcomeKind outcome, int count, double milliseconds);

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} cannot be reached")]
    private partial void LogUnreachable(ShardKey shard, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}: what follows step {Step} failed")]
    private partial void LogMilestoneFailed(string run, long step, Exception failure);
}
