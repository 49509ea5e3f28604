using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Shards;

/// <summary>
/// The working half of a shard. It lives on a compute lane and follows the stage's program: whenever an order or a frame arrives it
/// is woken, runs one instruction whose inputs are there, and queues itself again, so that several shards can share a lane and no
/// grain call stands between two instructions.
/// </summary>
internal sealed class ShardWorker : IFrameInbox, IDisposable
{
    private readonly ShardKey _shard;
    private readonly ShardAssignment _assignment;
    private readonly ComputeLane _lane;
    private readonly ITensorTransport _transport;
    private readonly Action<ShardReport> _report;
    private readonly ShardInbox _inbox;
    private readonly ConcurrentQueue<WorkOrder> _orders = new();
    private readonly ConcurrentDictionary<long, ShardSnapshot> _snapshots = new();
    private ShardSnapshot? _released;
    private StageTrainer? _trainer;
    private ShardData? _data;
    private CurrentOrder? _current;
    private CurrentOrder? _following;
    private int _scheduled;
    private volatile bool _stopped;
    private long _previousOrderEnd = Stopwatch.GetTimestamp();

    public ShardWorker(ShardKey shard, ShardAssignment assignment, ComputeLane lane, ITensorTransport transport, Action<ShardReport> report)
    {
        _shard = shard;
        _assignment = assignment;
        _lane = lane;
        _transport = transport;
        _report = report;
        _inbox = new ShardInbox(assignment.Session, capacity: Math.Max(64, 4 * Specification.MicroBatches), Wake);
    }

    public Guid Session => _assignment.Session;

    /// <summary>Micro-batches that were run forward and not yet backward, for tests of the schedule's bound.</summary>
    public int LiveMicroBatches => _trainer?.LiveMicroBatches ?? 0;

    private TrainingRunSpecification Specification => _assignment.Specification;

    private bool IsFirst => _assignment.Stage == 0;

    private bool IsLast => _assignment.Stage == Specification.Stages.Length - 1;

    /// <summary>Loads weights and data. Runs on the lane.</summary>
    public void Load()
    {
        var trainer = new StageTrainer(Specification.Model, Specification.Stages[_assignment.Stage], Specification.Optimizer);
        _trainer = trainer;
        if (_assignment.Checkpoint is not null)
        {
            StageLoader.LoadCheckpoint(trainer, Specification.Model, _assignment.Checkpoint);
        }
        else if (Specification.InitialModel is not null)
        {
            StageLoader.LoadWeights(trainer.Parameters, Specification.Model, Specification.InitialModel);
        }
        else
        {
            ParameterInitializer.Initialize(trainer.Parameters, Specification.Model, Specification.Seed);
        }

        if (IsFirst || IsLast)
        {
            _data = new ShardData(Specification, TokenDataSet.Open(Specification.DataDirectory));
        }
    }

    /// <summary>Adds orders to the plan.</summary>
    public void Enqueue(IEnumerable<WorkOrder> orders)
    {
        foreach (var order in orders)
        {
            _orders.Enqueue(order);
        }

        Wake();
    }

    /// <inheritdoc />
    public int Accept(TensorFrame frame) => _inbox.Accept(frame);

    public ShardSnapshot? FindSnapshot(long step) => _snapshots.GetValueOrDefault(step);

    public void ReleaseSnapshot(long step)
    {
        if (_snapshots.TryRemove(step, out var snapshot))
        {
            Volatile.Write(ref _released, snapshot);
        }
    }

    /// <summary>Frees everything. Runs on the lane.</summary>
    public void Dispose()
    {
        _stopped = true;
        _inbox.Dispose();
        _snapshots.Clear();
        _trainer?.Dispose();
        _data?.Dispose();
    }

    private void Wake()
    {
        if (!_stopped && Interlocked.Exchange(ref _scheduled, 1) == 0 && !_lane.TryPost(Run))
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

        if (InputsArrived(_current.Order, _current.NextOp))
        {
            RunNext(_current);
            return true;
        }

        return Specification.Mode == TrainingMode.Elastic && TryRunAhead();
    }

    /// <summary>
    /// Elastic mode never drains the pipeline: while this order waits for a gradient, the next one's first micro-batches set out, on
    /// weights that are about to be updated. No more of them are alive than in a running pipeline.
    /// </summary>
    private bool TryRunAhead()
    {
        if (_current!.NextOp.Kind != StageOpKind.Backward || LiveMicroBatches >= Specification.Stages.Length - _assignment.Stage)
        {
            return false;
        }

        if (_following is null)
        {
            if (!_orders.TryPeek(out var next) || next.Kind != WorkKind.Train)
            {
                return false;
            }

            _following = TakeOrder()!;
        }

        if (_following.NextOp.Kind != StageOpKind.Forward || !InputsArrived(_following.Order, _following.NextOp))
        {
            return false;
        }

        RunNext(_following);
        return true;
    }

    private CurrentOrder? TakeOrder()
    {
        if (_following is not null)
        {
            var following = _following;
            _following = null;
            return following;
        }

        return _orders.TryDequeue(out var order) ? new CurrentOrder(order, StageProgram.For(Specification, _assignment.Stage, order)) : null;
    }

    private void RunNext(CurrentOrder current)
    {
        var started = Stopwatch.GetTimestamp();
        var op = current.NextOp;
        Execute(current, op);
        var duration = Stopwatch.GetElapsedTime(started);
        current.Busy += duration;
        if (op.Kind is StageOpKind.Forward or StageOpKind.Backward)
        {
            IotaInstruments.RecordMicroBatch(_assignment.Stage, op.Kind == StageOpKind.Forward ? "forward" : "backward", duration);
        }

        current.Next++;
        if (current.Next == current.Program.Length)
        {
            Finish(current);
        }
    }

    private bool InputsArrived(WorkOrder order, StageOp op) => op.Kind switch
    {
        StageOpKind.Forward or StageOpKind.Evaluate => IsFirst || _inbox.Contains(new FrameKey(FrameKind.Activation, order.Sequence, op.MicroBatch)),
        StageOpKind.Backward => IsLast || _inbox.Contains(new FrameKey(FrameKind.Gradient, order.Sequence, op.MicroBatch)),
        StageOpKind.AddTiedGradient => _inbox.Contains(new FrameKey(FrameKind.TiedGradient, order.Sequence, OtherTiedStage)),
        StageOpKind.Update => Specification.Mode == TrainingMode.Elastic || OtherStages.All(stage => _inbox.Contains(new FrameKey(FrameKind.GradientNorm, order.Sequence, stage))),
        _ => true,
    };

    private IEnumerable<int> OtherStages => Enumerable.Range(0, Specification.Stages.Length).Where(stage => stage != _assignment.Stage);

    private int OtherTiedStage => IsFirst ? Specification.Stages.Length - 1 : 0;

    private void Execute(CurrentOrder current, StageOp op)
    {
        switch (op.Kind)
        {
            case StageOpKind.Forward:
            case StageOpKind.Evaluate:
                Forward(current, op);
                break;
            case StageOpKind.Backward:
                Backward(current, op);
                break;
            case StageOpKind.ShareTiedGradient:
                ShareTiedGradient(current);
                break;
            case StageOpKind.AddTiedGradient:
                AddTiedGradient(current);
                break;
            case StageOpKind.ShareGradientNorm:
                ShareGradientNorm(current);
                break;
            case StageOpKind.Update:
                Update(current);
                break;
            case StageOpKind.Snapshot:
                _snapshots[current.Order.Step] = ShardSnapshot.Take(_trainer!, Interlocked.Exchange(ref _released, null));
                break;
            default:
                throw new InvalidOperationException($"unknown instruction {op}");
        }
    }

    private void Forward(CurrentOrder current, StageOp op)
    {
        var (tokens, targets) = _data?.Read(current.Order, op.MicroBatch) ?? ([], []);
        using var activation = IsFirst ? null : Take(FrameKind.Activation, current.Order, op.MicroBatch);
        var input = new StageInput
        {
            Tokens = tokens,
            Targets = targets,
            Activation = activation is null ? [] : activation.Payload.Span,
        };
        var output = IsLast ? null : RentActivation(FrameKind.Activation, current.Order, op.MicroBatch, activation?.Header.Pathway ?? []);
        try
        {
            var destination = output is null ? [] : output.Payload.Span;
            var loss = op.Kind == StageOpKind.Forward
                ? _trainer!.Forward(LiveKey(current.Order, op), input, Specification.ContextLength, destination)
                : _trainer!.Evaluate(input, Specification.ContextLength, destination);
            current.ForwardPasses++;
            if (IsLast)
            {
                current.AddLoss(loss, ShardData.Sequences(Specification, current.Order, op.MicroBatch));
            }
        }
        catch
        {
            output?.Dispose();
            throw;
        }

        if (output is not null)
        {
            Send(_assignment.Stage + 1, output);
        }
    }

    private void Backward(CurrentOrder current, StageOp op)
    {
        using var gradient = IsLast ? null : Take(FrameKind.Gradient, current.Order, op.MicroBatch);
        var output = IsFirst ? null : RentActivation(FrameKind.Gradient, current.Order, op.MicroBatch, []);
        try
        {
            _trainer!.Backward(LiveKey(current.Order, op), gradient is null ? [] : gradient.Payload.Span, 1f / Specification.MicroBatches, output is null ? [] : output.Payload.Span);
            current.BackwardPasses++;
        }
        catch
        {
            output?.Dispose();
            throw;
        }

        if (output is not null)
        {
            Send(_assignment.Stage - 1, output);
        }
    }

    private void ShareTiedGradient(CurrentOrder current)
    {
        var gradient = _trainer!.Parameters.GradientOf(LlamaStage.EmbeddingName);
        var frame = Rent(FrameKind.TiedGradient, current.Order, 0, TensorElementType.Float32, [Specification.Model.VocabularySize, Specification.Model.HiddenSize], []);
        MemoryMarshal.AsBytes(gradient).CopyTo(frame.Payload.Span);
        Send(OtherTiedStage, frame);
    }

    private void AddTiedGradient(CurrentOrder current)
    {
        using var frame = Take(FrameKind.TiedGradient, current.Order, OtherTiedStage);
        var gradient = _trainer!.Parameters.GradientOf(LlamaStage.EmbeddingName);
        var other = MemoryMarshal.Cast<byte, float>(frame.Payload.Span);
        for (var i = 0; i < gradient.Length; i++)
        {
            // Addition commutes bit for bit, so both copies get the same gradient and stay equal.
            gradient[i] += other[i];
        }
    }

    private void ShareGradientNorm(CurrentOrder current)
    {
        var gradients = _trainer!.Parameters.Gradients;
        current.SumOfSquares = GradientNorm.SumOfSquares(gradients);
        if (IsLast && StageProgram.HoldsTiedCopy(Specification, _assignment.Stage))
        {
            // The tied embedding is one parameter: the first stage counts it.
            current.SumOfSquares -= GradientNorm.SumOfSquares(_trainer.Parameters.GradientOf(LlamaStage.EmbeddingName));
        }

        foreach (var stage in OtherStages)
        {
            var frame = Rent(FrameKind.GradientNorm, current.Order, 0, TensorElementType.Float64, [1], []);
            MemoryMarshal.Write(frame.Payload.Span, current.SumOfSquares);
            Send(stage, frame);
        }
    }

    private void Update(CurrentOrder current)
    {
        var (norm, bound) = Specification.Mode == TrainingMode.Exact ? (GlobalNorm(current), Specification.Optimizer.GradientClip) : (OwnNorm(), OwnBound());
        if (!double.IsFinite(norm))
        {
            throw new IotaException(ExitCode.Failed, $"the gradient of step {current.Order.Step} is not finite: lower --learning-rate, or raise --warmup-steps");
        }

        current.GradientNorm = Specification.Mode == TrainingMode.Exact ? norm : null;
        _trainer!.Step(current.Order.Step, current.Order.LearningRate, GradientNorm.ClipScale(norm, bound));
    }

    /// <summary>Norm of the whole model's gradient: every stage adds the same numbers in the same order.</summary>
    private double GlobalNorm(CurrentOrder current)
    {
        var sum = 0.0;
        for (var stage = 0; stage < Specification.Stages.Length; stage++)
        {
            if (stage == _assignment.Stage)
            {
                sum += current.SumOfSquares;
                continue;
            }

            using var frame = Take(FrameKind.GradientNorm, current.Order, stage);
            sum += MemoryMarshal.Read<double>(frame.Payload.Span);
        }

        return Math.Sqrt(sum);
    }

    private double OwnNorm() => Math.Sqrt(GradientNorm.SumOfSquares(_trainer!.Parameters.Gradients));

    /// <summary>IOTA's local rule: a stage's share of the bound grows with the root of its share of the parameters.</summary>
    private double OwnBound() => Specification.Optimizer.GradientClip
        * Math.Sqrt(_trainer!.Parameters.Layout.Count / (double)ParameterLayout.CountParameters(Specification.Model));

    private void Finish(CurrentOrder current)
    {
        _current = null;
        _inbox.Advance(current.Order.Sequence + 1);
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

    /// <summary>Names a live micro-batch across orders.</summary>
    private long LiveKey(WorkOrder order, StageOp op) => (order.Sequence * Specification.MicroBatches) + op.MicroBatch;

    private TensorFrame Take(FrameKind kind, WorkOrder order, int index) =>
        _inbox.TryTake(new FrameKey(kind, order.Sequence, index), out var frame)
            ? frame
            : throw new InvalidOperationException($"the {kind} frame {order.Sequence}/{index} vanished from the inbox");

    private TensorFrame RentActivation(FrameKind kind, WorkOrder order, int microBatch, ImmutableArray<string> pathway)
    {
        var sequences = ShardData.Sequences(Specification, order, microBatch);
        return Rent(kind, order, microBatch, TensorElementType.Float32, [sequences, Specification.ContextLength, Specification.Model.HiddenSize], kind == FrameKind.Activation ? pathway.Add(_shard.Miner) : pathway);
    }

    private TensorFrame Rent(FrameKind kind, WorkOrder order, int microBatch, TensorElementType elementType, ImmutableArray<int> shape, ImmutableArray<string> pathway) =>
        TensorFrame.Rent(FramePool.Shared, new FrameHeader
        {
            Kind = kind,
            Session = Session,
            Sequence = order.Sequence,
            MicroBatch = new MicroBatchId(_shard.Run, order.Epoch, order.Step, microBatch),
            SourceStage = _assignment.Stage,
            ElementType = elementType,
            Shape = shape,
            Pathway = pathway,
        });

    private void Send(int stage, TensorFrame frame)
    {
        var sent = _transport.SendAsync(new ShardKey(_shard.Run, stage, Specification.Miners[stage]), frame);
        if (!sent.IsCompletedSuccessfully)
        {
            _ = ObserveAsync(sent);
        }
    }

    private async Task ObserveAsync(Task sent)
    {
        try
        {
            await sent;
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    /// <summary>The order under way.</summary>
    private sealed class CurrentOrder(WorkOrder order, ImmutableArray<StageOp> program)
    {
        private double _lossSum;
        private int _lossSequences;

        public WorkOrder Order { get; } = order;

        public ImmutableArray<StageOp> Program { get; } = program;

        public int Next { get; set; }

        public StageOp NextOp => Program[Next];

        public int ForwardPasses { get; set; }

        public int BackwardPasses { get; set; }

        public TimeSpan Busy { get; set; }

        public double SumOfSquares { get; set; }

        public double? GradientNorm { get; set; }

        public double? MeanLoss => _lossSequences == 0 ? null : _lossSum / _lossSequences;

        public void AddLoss(double loss, int sequences)
        {
            _lossSum += loss * sequences;
            _lossSequences += sequences;
        }
    }
}
