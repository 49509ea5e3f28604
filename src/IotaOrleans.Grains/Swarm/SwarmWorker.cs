using System.Collections.Concurrent;
using System.Collections.Immutable;
using IotaOrleans.Grains.Adversaries;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Protocol.Swarm;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// The working half of a shard in elastic mode. It lives on a compute lane: whenever something arrives it is woken, does one thing, the
/// most urgent, and queues itself again, so that several shards can share a lane.
/// </summary>
internal sealed class SwarmWorker : IShardWorker, ILane
{
    private const int InboxCapacity = 4096;
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly ShardKey _shard;
    private readonly ShardAssignment _assignment;
    private readonly MinerLane _lane;
    private readonly SwarmControl _control;
    private readonly MinerKey _key;
    private readonly SwarmInbox _inbox;
    private readonly SwarmFrames _frames;
    private readonly MergeExchange _exchange;
    private readonly SwarmTally _tally = new();
    private readonly ConcurrentQueue<WorkOrder> _orders = new();
    private readonly ConcurrentDictionary<long, ShardSnapshot> _snapshots = new();
    private ShardSnapshot? _released;
    private StageTrainer? _trainer;
    private ShardData? _data;
    private SwarmPasses? _passes;
    private SwarmEvaluation? _evaluation;
    private StageVersion? _version;
    private SegmentRecorder? _recorder;
    private Conduct? _conduct;
    private ReplicaMerge? _merge;
    private readonly RunningClock _clock;
    private readonly ITimer _watch;
    private int _watched;
    private int _scheduled;
    private int _reporting;
    private long _reports;
    private volatile Task _reported = Task.CompletedTask;
    private int _unanswered;
    private volatile bool _stopped;

    public SwarmWorker(ShardKey shard, ShardAssignment assignment, MinerLane lane, ITensorTransport transport, SwarmControl control, MinerKey key, TimeProvider time)
    {
        (_shard, _assignment, _lane, _control, _key) = (shard, assignment, lane, control, key);
        _inbox = new SwarmInbox(assignment.Session, InboxCapacity, Wake);
        _exchange = new MergeExchange(assignment.Session, time);
        _clock = new RunningClock(time, WatchInterval);
        _watch = time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
        _frames = new SwarmFrames(shard, assignment, transport, _tally, NoteUndelivered);
    }

    /// <inheritdoc />
    public Guid Session => _assignment.Session;

    private TrainingRunSpecification Specification => _assignment.Specification;

    /// <inheritdoc />
    public void Load()
    {
        var trainer = _trainer = StageLoading.Load(_assignment);
        if (_assignment.Stage == 0 || _assignment.Stage == Specification.Stages.Length - 1)
        {
            _data = new ShardData(Specification, TokenDataSet.Open(Specification.DataDirectory));
        }

        _recorder = new SegmentRecorder(_shard, trainer, Specification.Validation);
        _version = new StageVersion(trainer, Specification.Swarm.Outer, _recorder);
        if (_assignment.Checkpoint is { } checkpoint)
        {
            StageLoader.LoadVelocity(trainer.Parameters.Layout, checkpoint, _version.Velocity);
        }

        _conduct = Conduct.Of(_shard, _assignment);
        _passes = new SwarmPasses(_shard, _assignment, trainer, _data, _inbox, _frames, _tally, _recorder, _conduct, _lane, _clock, Wake)
        {
            LocalSteps = _assignment.Step,
        };
        _evaluation = new SwarmEvaluation(_shard, _assignment, trainer, _version, _data, _inbox, _frames, _control);
        _merge = new ReplicaMerge(_shard, _assignment, _version, _passes, _frames, _exchange, _conduct, this);
        _recorder.Begin(_passes.LocalSteps);
    }

    /// <inheritdoc />
    public void Enqueue(IEnumerable<WorkOrder> orders)
    {
        foreach (var order in orders)
        {
            _orders.Enqueue(order);
        }

        Wake();
    }

    /// <summary>The shard's part in merges.</summary>
    public ReplicaMerge Merge => _merge!;

    /// <summary>The agreed version.</summary>
    public StageVersion Version => _version!;

    /// <summary>Goes on from a version that was fetched.</summary>
    /// <returns>Whether its hash is the right one; otherwise nothing has changed.</returns>
    public bool TryReplace(StageVersionName version, Func<VersionSection, float[]> fetched) => _version!.TryReplace(version, fetched);

    /// <summary>Reads part of what a segment worked on; empty when it is not here.</summary>
    public Task<ReadOnlyMemory<byte>> ReadEvidenceAsync(UInt128 hash, long offset, int count) => RunAsync(() =>
    {
        _conduct!.AfterCheck();
        return _recorder!.Read(hash, offset, count);
    });

    /// <summary>Lets go of what a segment worked on.</summary>
    public Task ReleaseSegmentAsync(long segment) => RunAsync(() =>
    {
        _recorder!.Done(segment);
        return true;
    });

    /// <summary>Ends the open segment; reports that are under way come before it.</summary>
    public async Task<ImmutableArray<SegmentRecord>> CloseSegmentAsync()
    {
        while (true)
        {
            await _reported;
            var closed = await RunAsync<ImmutableArray<SegmentRecord>?>(() =>
            {
                if (Volatile.Read(ref _reporting) == 1)
                {
                    return null;
                }

                _recorder!.Finish(_passes!.LocalSteps);
                return Signed(_recorder.TakeClosed());
            });
            if (closed is { } segments)
            {
                return segments;
            }
        }
    }

    /// <summary>Ends the open segment. A segment begins with no gradients, so what has accumulated is learnt from first.</summary>
    public Task HandInAsync() => RunAsync(() =>
    {
        _passes!.Flush();
        _recorder!.Finish(_passes.LocalSteps);
        return true;
    });

    /// <summary>Adds micro-batches to run.</summary>
    public void Grant(ImmutableArray<long> numbers)
    {
        _passes!.Grant(numbers);
        Wake();
    }

    /// <summary>Changes who works where.</summary>
    public Task SetMembersAsync(SwarmMembers members) => RunAsync(() =>
    {
        _passes!.SetMembers(members);
        return true;
    });

    /// <inheritdoc />
    public int Accept(TensorFrame frame) => MergeExchange.Takes(frame.Header.Kind) ? _exchange.Accept(frame) : _inbox.Accept(frame);

    /// <inheritdoc />
    public ShardSnapshot? FindSnapshot(long step) => _snapshots.GetValueOrDefault(step);

    /// <inheritdoc />
    public void ReleaseSnapshot(long step)
    {
        if (_snapshots.TryRemove(step, out var snapshot))
        {
            Volatile.Write(ref _released, snapshot);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _stopped = true;
        _watch.Dispose();
        _inbox.Dispose();
        _exchange.Dispose();
        _snapshots.Clear();
        _passes?.Dispose();
        _trainer?.Dispose();
        _data?.Dispose();
    }

    /// <inheritdoc />
    public async Task<T> RunAsync<T>(Func<T> job)
    {
        var result = await _lane.Lane.RunAsync(() => _stopped ? throw new IotaException(ExitCode.RunState, $"shard {_shard} has ended") : job());
        Wake();
        return result;
    }

    /// <summary>What did not reach a miner goes to another one.</summary>
    private void NoteUndelivered(ShardKey receiver, Exception failure)
    {
        _control.Undelivered(receiver, failure);
        if (receiver.Stage == _assignment.Stage + 1 && !_stopped)
        {
            _lane.Lane.TryPost(() =>
            {
                if (!_stopped)
                {
                    _passes!.Reroute(receiver.Miner);
                }
            });
        }
    }

    private void Watch()
    {
        _clock.Tick();
        if (_passes is not null)
        {
            Volatile.Write(ref _watched, 1);
            Wake();
        }
    }

    private void Wake()
    {
        if (!_stopped && Interlocked.Exchange(ref _scheduled, 1) == 0 && !_lane.Lane.TryPost(Run))
        {
            Volatile.Write(ref _scheduled, 0);
        }
    }

    /// <summary>Does at most one thing, then lets the lane's other shards have their turn.</summary>
    private void Run()
    {
        Volatile.Write(ref _scheduled, 0);
        if (_stopped)
        {
            return;
        }

        try
        {
            var worked = TryRunNext();
            ReportWhenDue(idle: !worked);
            if (worked)
            {
                Wake();
            }
        }
        catch (Exception failure)
        {
            _stopped = true;
            _control.Fail(_assignment, _shard, failure);
        }
    }

    private bool TryRunNext()
    {
        if (Interlocked.Exchange(ref _watched, 0) == 1)
        {
            _passes!.ResendLost();
        }

        if (_orders.TryDequeue(out var order))
        {
            if (order.Kind == WorkKind.Snapshot)
            {
                TakeSnapshot(order);
            }
            else
            {
                _evaluation!.Begin(order);
            }

            return true;
        }

        if (_evaluation!.TryRunNext())
        {
            return true;
        }

        return _passes!.TryRunNext();
    }

    private void TakeSnapshot(WorkOrder order)
    {
        using (_version!.Show())
        {
            _snapshots[order.Step] = ShardSnapshot.Take(_trainer!, Interlocked.Exchange(ref _released, null), _version!.Velocity);
        }

        _control.Report(new ShardReport { Session = Session, Stage = _assignment.Stage, Miner = _shard.Miner, Order = order });
    }

    /// <summary>
    /// Reports after each share of a step, and when there is nothing left to do or to wait for. While its passes are under way at the next
    /// stage, what a shard has to say can wait: a report for each of them would take the processor from the lanes. A first stage asks for more
    /// as soon as more than half of what it likes to have in store is gone; when it was given nothing, it is not heard again until it has news: the run
    /// grain remembers who waits.
    /// </summary>
    private void ReportWhenDue(bool idle)
    {
        var wanted = _passes!.Wanted;
        var atRest = idle && !_passes.AwaitsAnswers;
        var due = _tally.BackwardPasses >= _passes.Share || (atRest && (_tally.HasNews || _recorder!.HasClosed)) || (wanted > 0 && _unanswered == 0 && (atRest || wanted > _passes.MostLive));
        if (!due || Interlocked.Exchange(ref _reporting, 1) == 1)
        {
            return;
        }

        IotaInstruments.RecordLiveTensors(_assignment.Stage, LiveTensors.OnThisThread);
        Volatile.Write(ref _unanswered, wanted);
        var report = _conduct!.BeforeReport(_tally.Take(Session, _shard, wanted) with { Segments = _recorder!.TakeClosed(), Strange = _passes.TakeStrange(), Sequence = ++_reports });
        _reported = ReportAsync(report with { Segments = Signed(report.Segments) });
    }

    private ImmutableArray<SegmentRecord> Signed(ImmutableArray<SegmentRecord> segments) => [.. segments.Select(_key.Seal)];

    private async Task ReportAsync(SwarmReport report)
    {
        try
        {
            var reply = await _control.ReportAsync(report);
            if (reply.Granted.Length > 0 && !_stopped)
            {
                Volatile.Write(ref _unanswered, 0);
                _passes!.Grant(reply.Granted);
            }

            if (report.Segments.Length > 0)
            {
                _lane.Lane.TryPost(() => _recorder!.Settle(report.Segments.Select(segment => segment.Index), reply.Audited));
            }
        }
        finally
        {
            Volatile.Write(ref _reporting, 0);
            Wake();
        }
    }
}
