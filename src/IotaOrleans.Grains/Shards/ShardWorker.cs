using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Shards;

/// <summary>
/// The working half of a shard. It lives on a compute lane and follows the stage's program: whenever an order or a frame arrives it
/// is woken, runs one instruction whose inputs are there, and queues itself again, so that several shards can share a lane and no
/// grain call stands between two instructions.
/// </summary>
internal sealed class ShardWorker : IShardWorker
{
    private readonly ShardKey _shard;
    private readonly ShardAssignment _assignment;
    private readonly MinerLane _lane;
    private readonly Action<ShardReport> _report;
    private readonly ShardInbox _inbox;
    private readonly ShardFrames _frames;
    private readonly OrderQueue _orders = new();
    private readonly Dictionary<WorkKind, ImmutableArray<StageOp>> _programs = [];
    private readonly int _replica;
    private readonly int _replicas;
    private readonly ConcurrentDictionary<long, ShardSnapshot> _snapshots = new();
    private ShardSnapshot? _released;
    private StageTrainer? _trainer;
    private OwedGradients? _owed;
    private StageExecutor? _executor;
    private GradientPieces? _pieces;
    private ShardData? _data;
    private OrderInProgress? _current;
    private OrderInProgress? _ahead;
    private int _scheduled;
    private volatile bool _stopped;
    private long _previousOrderEnd = Stopwatch.GetTimestamp();

    public ShardWorker(ShardKey shard, ShardAssignment assignment, MinerLane lane, ITensorTransport transport, Action<ShardReport> report)
    {
        _shard = shard;
        _assignment = assignment;
        _lane = lane;
        _report = report;
        _replicas = Specification.Miners[assignment.Stage].Length;
        _replica = Specification.Miners[assignment.Stage].IndexOf(shard.Miner);
        _inbox = new ShardInbox(assignment.Session, capacity: Math.Max(64, 4 * Specification.MicroBatches), Wake);
        _frames = new ShardFrames(shard, assignment, _inbox, transport, Fail);
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

        _pieces = new GradientPieces(trainer.Parameters.Layout.Count, _replicas);
        var gradients = new ReplicaGradients(_assignment.Stage, _replica, _pieces, trainer.Parameters, _frames);
        _owed = new OwedGradients(trainer, _lane.Shared, Wake);
        _executor = new StageExecutor(_shard, _assignment, trainer, _data, _frames, _owed, gradients, isSpokesman: _replica == 0);
        _lane.Turns?.Join(_assignment.Stage, Wake);
    }

    /// <inheritdoc />
    public void Enqueue(IEnumerable<WorkOrder> orders)
    {
        foreach (var order in orders)
        {
            _orders.Add(order);
        }

        Wake();
    }

    /// <inheritdoc />
    public int Accept(TensorFrame frame) => _inbox.Accept(frame);

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
        _lane.Turns?.Leave(_assignment.Stage);
        _inbox.Dispose();
        _snapshots.Clear();
        _owed?.Dispose();
        _trainer?.Dispose();
        _data?.Dispose();
    }

    private void Wake()
    {
        if (!_stopped && Interlocked.Exchange(ref _scheduled, 1) == 0 && !_lane.Lane.TryPost(Run))
        {
            Volatile.Write(ref _scheduled, 0);
        }
    }

    /// <summary>Runs at most one instruction, then lets the lane's other shards have their turn.</summary>
    private void Run()
    {
        Volatile.Write(ref _scheduled, 0);
        if (_stopped)
        {
            return;
        }

        try
        {
            if (TryRunNext())
            {
                Wake();
            }
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    private bool TryRunNext()
    {
        _current ??= TakeOrder();
        if (_current is null)
        {
            return false;
        }

        if (_current.IsDone)
        {
            // An order in which the first replica works for all.
            Finish(_current);
            return true;
        }

        return CanRun(_current) ? TryRun(_current) : TryGoAhead(_current);
    }

    /// <summary>While other stages' norms are on their way, the next step's forward passes may begin.</summary>
    private bool TryGoAhead(OrderInProgress current)
    {
        if (current.NextOp.Kind != StageOpKind.Update)
        {
            return false;
        }

        if (_ahead is null)
        {
            if (!_executor!.MayGoAhead(current) || !_orders.TryPeek(out var next) || next.Kind != WorkKind.Train)
            {
                return false;
            }

            _executor.UpdateAhead(current);
            _ahead = TakeOrder();
            return true;
        }

        return _ahead.NextOp.Kind == StageOpKind.Forward && CanRun(_ahead) && TryRun(_ahead);
    }

    /// <summary>After an update: what was run ahead of it counts if the update was as expected.</summary>
    private void JudgeAhead()
    {
        if (_ahead is not null && !_executor!.LastWasUnscaled)
        {
            _executor.Forget(_ahead);
            _ahead = new OrderInProgress(_ahead.Order, _ahead.Program);
        }
    }

    private OrderInProgress? TakeOrder() =>
        _orders.TryTake(out var order) ? new OrderInProgress(order, ProgramOf(order)) : null;

    private ImmutableArray<StageOp> ProgramOf(WorkOrder order)
    {
        if (!_programs.TryGetValue(order.Kind, out var program))
        {
            _programs.Add(order.Kind, program = StageProgram.For(Specification, _assignment.Stage, order, _replica, _pieces!.Rounds));
        }

        return program;
    }

    private bool CanRun(OrderInProgress current) =>
        (_lane.Turns?.IsTurnOf(_assignment.Stage, current.Order, current.NextOp) ?? true) && _executor!.InputsArrived(current.Order, current.NextOp);

    /// <summary>Runs an order's next instruction, unless another lane is at it.</summary>
    private bool TryRun(OrderInProgress current)
    {
        var op = current.NextOp;
        if (Run(current, op) is not { } duration)
        {
            return false;
        }

        if (op.Kind == StageOpKind.Update)
        {
            JudgeAhead();
        }

        current.AddTime(op.Kind, _lane.Lane.Occupied(duration));
        IotaInstruments.RecordMicroBatch(_assignment.Stage, op.Kind, duration);
        _lane.Turns?.Took(_assignment.Stage, current.Order, op);
        current.Next++;
        if (current.IsDone)
        {
            Finish(current);
        }

        return true;
    }

    private TimeSpan? Run(OrderInProgress current, StageOp op)
    {
        var started = Stopwatch.GetTimestamp();
        switch (op.Kind)
        {
            case StageOpKind.Snapshot:
                _snapshots[current.Order.Step] = ShardSnapshot.Take(_trainer!, Interlocked.Exchange(ref _released, null));
                break;
            case StageOpKind.HashState:
                current.StateHash = StageStateHash.Of(_trainer!);
                break;
            default:
                return _executor!.Execute(current, op);
        }

        return Stopwatch.GetElapsedTime(started);
    }

    private void Finish(OrderInProgress current)
    {
        (_current, _ahead) = (_ahead, null);
        _inbox.Advance(current.Order.Sequence + 1);
        IotaInstruments.RecordLiveTensors(_assignment.Stage, LiveTensors.OnThisThread);
        var end = Stopwatch.GetTimestamp();
        var elapsed = Stopwatch.GetElapsedTime(_previousOrderEnd, end);
        _previousOrderEnd = end;
        _report(new ShardReport
        {
            Session = Session,
            Stage = _assignment.Stage,
            Miner = _shard.Miner,
            Order = current.Order,
            Loss = current.MeanLoss,
            GradientNorm = current.GradientNorm,
            ForwardPasses = current.ForwardPasses,
            BackwardPasses = current.BackwardPasses,
            Busy = current.Busy,
            Passes = current.Passes,
            StateHash = current.StateHash,
            Elapsed = elapsed,
        });
    }

    private void Fail(Exception failure)
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        _report(new ShardReport
        {
            Session = Session,
            Stage = _assignment.Stage,
            Miner = _shard.Miner,
            Order = _current?.Order ?? new WorkOrder { Sequence = 0, Kind = WorkKind.Train, Step = 0, Epoch = 0 },
            Failure = failure is IotaException ? failure.Message : $"stage {_assignment.Stage} failed: {failure.GetType().Name}: {failure.Message.ReplaceLineEndings(" ")}",
        });
    }
}
