using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// List scheduling of one training step in ticks of one pass: a miner that is free takes the backward pass of its oldest
/// micro-batch, or, after a backward pass and when there is none, a forward pass if it may hold another activation, else a gradient of
/// weights that it owes. What each did, in the order in which it did it, is its program.
/// </summary>
/// <remarks>
/// It always ends. The last stage runs everything that it forwarded backward at once, so all that reaches it leaves again; then so does
/// all that reaches the stage before it, and so on: any bound of at least one live micro-batch is enough.
/// </remarks>
internal sealed class ReplicaScheduler
{
    // Ticks of one pass; a backward pass that is not split has both halves.
    private static readonly ScheduleCosts Costs = new();
    private readonly ScheduleKind _kind;
    private readonly Replica[][] _stages;
    private readonly double[][] _activations;
    private readonly double[][] _gradients;

    private ReplicaScheduler(ScheduleKind kind, ImmutableArray<int> replicas, int microBatches)
    {
        _kind = kind;
        _stages = [.. replicas.Select((count, stage) => Enumerable.Range(0, count).Select(replica => new Replica(
            stage,
            [.. Enumerable.Range(0, ReplicaWork.Count(microBatches, count, replica)).Select(place => ReplicaWork.MicroBatchOf(place, count, replica))],
            ReplicaSchedule.MostLive(kind, replicas, microBatches, stage, replica),
            ReplicaSchedule.LiveBeforeBackward(kind, replicas, microBatches, stage, replica))).ToArray())];
        _activations = NotYet();
        _gradients = NotYet();

        double[][] NotYet() => [.. replicas.Select(_ => Enumerable.Repeat(double.PositiveInfinity, microBatches).ToArray())];
    }

    /// <summary>The programs of all miners, by stage and replica.</summary>
    public static ImmutableArray<ImmutableArray<ImmutableArray<StageOp>>> Run(ScheduleKind kind, ImmutableArray<int> replicas, int microBatches)
    {
        var scheduler = new ReplicaScheduler(kind, replicas, microBatches);
        scheduler.Run();
        return [.. scheduler._stages.Select(stage => stage.Select(replica => replica.Program.ToImmutable()).ToImmutableArray())];
    }

    private void Run()
    {
        Replica[] all = [.. _stages.SelectMany(stage => stage)];
        for (var time = 0; all.Any(replica => !replica.IsDone); time++)
        {
            // A pass takes at least a tick, so that nothing which begins in this one depends on the order of the miners.
            foreach (var replica in all.Where(replica => replica.FreeAt <= time))
            {
                if (Choose(replica, time) is { } op)
                {
                    Start(replica, op, time);
                }
            }

            if (all.All(replica => replica.FreeAt <= time) && !all.All(replica => replica.IsDone))
            {
                throw new InvalidOperationException($"the {_kind} schedule of [{string.Join(", ", _stages.Select(stage => stage.Length))}] miners stands still");
            }
        }
    }

    private StageOp? Choose(Replica replica, double time)
    {
        // One forward, one backward: several gradients that arrive at once must not drain the pipeline.
        var forward = Forward(replica, time);
        if (forward is not null && replica.Previous is StageOpKind.Backward or StageOpKind.BackwardInput)
        {
            return forward;
        }

        return Backward(replica, time) ?? forward ?? (replica.Owed.TryPeek(out var owed) ? new StageOp(StageOpKind.BackwardWeights, owed) : null);
    }

    private StageOp? Forward(Replica replica, double time)
    {
        var mayHoldMore = replica.Forwarded.Count < replica.MostForwarded && replica.Forwarded.Count + replica.Owed.Count < replica.MostLive;
        return mayHoldMore && First(replica.NotForwarded, candidate => replica.Stage == 0 || _activations[replica.Stage - 1][candidate] <= time) is { } microBatch
            ? new StageOp(StageOpKind.Forward, microBatch)
            : null;
    }

    private StageOp? Backward(Replica replica, double time)
    {
        var mayBegin = _kind != ScheduleKind.GPipe || replica.NotForwarded.Count == 0;
        return mayBegin && First(replica.Forwarded, candidate => GradientAt(replica.Stage, candidate) <= time) is { } microBatch
            ? new StageOp(PipelineSchedule.SplitsBackward(_kind) ? StageOpKind.BackwardInput : StageOpKind.Backward, microBatch)
            : null;
    }

    private double GradientAt(int stage, int microBatch) => stage == _stages.Length - 1 ? 0 : _gradients[stage + 1][microBatch];

    private void Start(Replica replica, StageOp op, double time)
    {
        replica.Program.Add(op);
        replica.Previous = op.Kind;
        replica.FreeAt = time + Costs.Of(op.Kind);
        switch (op.Kind)
        {
            case StageOpKind.Forward:
                replica.NotForwarded.Remove(op.MicroBatch);
                replica.Forwarded.Add(op.MicroBatch);
                _activations[replica.Stage][op.MicroBatch] = replica.FreeAt;
                break;
            case StageOpKind.BackwardWeights:
                replica.Owed.Dequeue();
                break;
            default:
                replica.Forwarded.Remove(op.MicroBatch);
                _gradients[replica.Stage][op.MicroBatch] = replica.FreeAt;
                if (op.Kind == StageOpKind.BackwardInput)
                {
                    replica.Owed.Enqueue(op.MicroBatch);
                }

                break;
        }
    }

    private static int? First(SortedSet<int> microBatches, Predicate<int> isReady)
    {
        foreach (var microBatch in microBatches)
        {
            if (isReady(microBatch))
            {
                return microBatch;
            }
        }

        return null;
    }

    /// <summary>One miner in the simulation.</summary>
    private sealed class Replica(int stage, SortedSet<int> microBatches, int mostLive, int mostForwarded)
    {
        public int Stage => stage;

        /// <summary>The most micro-batches whose backward pass is not complete.</summary>
        public int MostLive => mostLive;

        /// <summary>The most of them whose backward pass has not begun.</summary>
        public int MostForwarded => mostForwarded;

        public double FreeAt { get; set; }

        public StageOpKind? Previous { get; set; }

        public SortedSet<int> NotForwarded => microBatches;

        public SortedSet<int> Forwarded { get; } = [];

        /// <summary>Micro-batches whose weights' gradient is missing.</summary>
        public Queue<int> Owed { get; } = [];

        public bool IsDone => NotForwarded.Count + Forwarded.Count + Owed.Count == 0;

        public ImmutableArray<StageOp>.Builder Program { get; } = ImmutableArray.CreateBuilder<StageOp>();
    }
}
