using System.Collections.Immutable;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Grains.Runs;
using IotaOrleans.Protocol.Rewards;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Swarm;
using IotaOrleans.Protocol.Validation;
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
    private readonly IWorkLedger _work;
    private readonly TrainingRunSpecification _specification;
    private readonly string? _reason;
    private readonly RunRecorder _recorder;
    private readonly MicroBatchLedger _ledger;
    private readonly StepCounter _steps;
    private readonly ThroughputMeter _throughput = new();
    private readonly Dictionary<ShardKey, ShardActivity> _activity = [];
    private readonly Dictionary<ShardKey, int> _waiting = [];
    private readonly Dictionary<ShardKey, (long Sequence, SwarmReply Reply)> _answered = [];
    private SwarmMembers _members;
    private int _mostMembers;
    private long _completedStep;
    private long _sequence;
    private long _stepStarted;
    private SentBytes _sent = new(0, 0);
    private bool _stopping;

    /// <param name="id">Names the session.</param>
    /// <param name="state">What it begins with.</param>
    /// <param name="convicted">Miners that were found to be wrong, in earlier sessions as well; it adds to them.</param>
    /// <param name="reason">Why the session before gave way to this one, or null.</param>
    /// <param name="beginAnew">Lets another session take this one's place, for a reason.</param>
    /// <param name="grains">The way to the other grains.</param>
    /// <param name="ledger">Takes the receipts.</param>
    /// <param name="time">Clock.</param>
    /// <param name="save">Stores the run's state.</param>
    /// <param name="logger">Receives what went wrong.</param>
    public SwarmSession(
        Guid id, TrainingRunState state, HashSet<string> convicted, string? reason, Action<SwarmSession, string> beginAnew,
        IGrainFactory grains, IWorkLedger ledger, TimeProvider time, Func<TrainingRunState, Task> save, ILogger logger)
    {
        (_convicted, _reason, _beginAnew) = (convicted, reason, beginAnew);
        (_id, _grains, _work, _time, _logger) = (id, grains, ledger, time, logger);
        _specification = state.Specification;
        _members = new SwarmMembers(1, _specification.Miners);
        _mostMembers = Shards.Count();
        _recorder = new RunRecorder(state with { Phase = RunPhase.Training }, grains, ledger, time, save, ReleaseAsync, logger);
        _completedStep = _firstStep = state.CheckpointStep;
        _backlog = new AuditBacklog<(SegmentRecord Segment, int Epoch, TaskCompletionSource Done)>(_suspicions);
        _onTrial = [.. _specification.Miners.SelectMany(miners => miners)];
        var first = MicroBatchNumber.FirstOf(_specification, _completedStep + 1);
        _ledger = MicroBatchLedger.GoOn(state.Position, first, MicroBatchNumber.FirstOf(_specification, _specification.Steps + 1));
        _steps = new StepCounter(_specification.MicroBatches, ahead: _ledger.Completed - first);
    }

    /// <inheritdoc />
    public bool Active => !_gaveWay && !_recorder.Ended.IsCompleted;

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
            Stages = Views(),
            Adversaries = _specification.Adversaries,
            Point = _recorder.Point,
            Reason = _reason,
        });
        _recorder.SettleEarlier();
        SealAudits();
        // The first grants; from then on the shards ask.
        foreach (var shard in Shards.Where(shard => shard.Stage == 0))
        {
            Give(shard, FirstGrant);
        }

        // The session before this one may have ended between its last checkpoint and the last settlement.
        EndWhenDone();
    }

    /// <summary>The epoch of the step that is under way; what comes after the last step counts for it.</summary>
    private int OpenEpoch => WorkPlan.EpochOf(_specification, Math.Min(_completedStep + 1, _specification.Steps));

    private int FirstGrant => 2 * _specification.Stages.Length;

    /// <inheritdoc />
    public async Task StopAsync()
    {
        if (Active && _recorder.Phase == RunPhase.Training)
        {
            _recorder.EnterPhase(RunPhase.Stopping);
            _stopping = true;
            _ledger.Close(_specification.MicroBatches);
            GiveToWaiting();
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
            Lose(report.Miner, report.Failure);
        }
        else
        {
            _awaited?.Report(new ShardKey(_specification.Run, report.Stage, report.Miner), report);
        }
    }

    /// <summary>Counts what a shard did, decides what of it is checked, and gives it what it asks for.</summary>
    public SwarmReply Report(SwarmReport report)
    {
        if (report.Session != _id || !Active || (!IsMember(report.Shard) && !_departing.Contains(report.Shard)))
        {
            return SwarmReply.Nothing;
        }

        // A report that was repeated, because its answer was lost, counts once.
        if (_answered.TryGetValue(report.Shard, out var answered) && report.Sequence <= answered.Sequence)
        {
            return answered.Reply;
        }

        foreach (var known in report.Losses)
        {
            _steps.AddLoss(known.Loss);
            NoteLoss(report.Shard.Miner, known);
        }

        NoteStrange(report);
        ActivityOf(report.Shard).Add(report);
        _sent += report.Sent;
        foreach (var (number, pathway) in report.Completed)
        {
            NoteClaim(report, number);
            if (IsPossible(report.Shard, pathway) && _ledger.Complete(number, report.Shard.Miner))
            {
                CountPathway(number, pathway);
                _steps.Complete();
                NotePathway(number, pathway);
            }
        }

        while (Active && _steps.TryTake(out var loss))
        {
            CompleteStep(loss);
        }

        EndWhenDone();
        var wanted = IsMember(report.Shard) && report.Shard.Stage == 0 ? report.Wanted : 0;
        if (wanted > 0 && !_stragglers.Contains(report.Shard.Miner))
        {
            TakeFromStragglers();
        }

        var granted = wanted > 0 ? _ledger.Grant(report.Shard.Miner, wanted) : [];
        _waiting[report.Shard] = wanted - granted.Length;
        var reply = new SwarmReply(granted, Receive(report.Shard, report.Segments));
        _answered[report.Shard] = (report.Sequence, reply);
        return reply;
    }

    private void SetMembers(ImmutableArray<ImmutableArray<string>> stages)
    {
        _members = new SwarmMembers(_members.Version + 1, stages);
        _mostMembers = Math.Max(_mostMembers, Shards.Count());
        foreach (var shard in Shards)
        {
            _ = TellAsync(shard, grain => grain.SetMembersAsync(_id, _members));
        }

        _awaited?.Keep(IsMember);
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
            Lose(shard.Miner, failure.Message);
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
        LookForHarm();
        EndTrialWhenDone();
        if (!Active)
        {
            return;
        }

        // The last epoch is settled at the very end, when the segments that are open now have been handed in.
        if (WorkPlan.EndsEpoch(_specification, _completedStep) && _completedStep < _specification.Steps)
        {
            NoteStragglers();
            Settle();
            SealAudits();
        }

        if (_completedStep < _specification.Steps && !_stopping)
        {
            PassMilestones(_completedStep, _completedStep % _specification.Swarm.InnerSteps == 0,
                _completedStep % _specification.EvaluationInterval == 0, _completedStep % _specification.CheckpointInterval == 0 && !MustBeginAnew);
        }
    }

    private void Settle() => _recorder.Settle(
        WorkPlan.EpochOf(_specification, _completedStep), _completedStep, after: _audited, _secret.Length > 0 ? Convert.ToHexStringLower(_secret) : null);

    private Task ReleaseAsync() => Task.WhenAll(Shards.Select(shard => Shard(shard).ReleaseAsync(_id)));

    private bool IsMember(ShardKey shard) => shard.Run == _specification.Run && shard.Stage >= 0 && shard.Stage < _members.Stages.Length && _members.Stages[shard.Stage].Contains(shard.Miner);

    private ShardKey First(int stage) => new(_specification.Run, stage, _members.Stages[stage][0]);

    private IShardGrain Shard(ShardKey shard) => _grains.GetGrain<IShardGrain>(shard.ToString());

    private ShardActivity ActivityOf(ShardKey shard) => _activity.TryGetValue(shard, out var activity) ? activity : _activity[shard] = new ShardActivity();
}
