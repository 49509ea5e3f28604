using System.Runtime.InteropServices;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// Forward passes over the validation split in elastic mode: by the miners that the order names, on the agreed weights, between the passes
/// of training. The last stage reports the loss. Runs on the lane.
/// </summary>
internal sealed class SwarmEvaluation(
    ShardKey shard, ShardAssignment assignment, StageTrainer trainer, StageVersion version, ShardData? data, SwarmInbox inbox, SwarmFrames frames, SwarmControl control)
{
    private readonly Dictionary<long, (double Sum, int Sequences, int MicroBatches)> _losses = [];
    private WorkOrder? _order;
    private int _next;
    private int _underWay;

    private TrainingRunSpecification Specification => assignment.Specification;

    private bool IsLast => assignment.Stage == Specification.Stages.Length - 1;

    /// <summary>Begins an evaluation. One that is under way is given up: a miner that took part in it is gone, or nobody would ask again.</summary>
    public void Begin(WorkOrder order) => (_order, _next, _underWay) = (order, 0, 0);

    /// <summary>Runs one pass, if there is one to run.</summary>
    public bool TryRunNext()
    {
        while (inbox.TryTake(FrameKind.Credit, out var credit))
        {
            using (credit)
            {
                _underWay -= credit.Header.Sequence == _order?.Sequence ? 1 : 0;
            }
        }

        if (inbox.TryTake(FrameKind.Evaluation, out var activation))
        {
            using (activation)
            {
                var order = OrderOf(activation);
                frames.Send(assignment.Stage - 1, order.Pathway[assignment.Stage - 1], Credit(order, activation.Header.MicroBatch));
                Evaluate(order, activation.Header.MicroBatch.Index, activation);
            }

            return true;
        }

        if (_order is null || (!IsLast && _underWay >= StageExecutor.EvaluationCredits))
        {
            return false;
        }

        Evaluate(_order, _next++, activation: null);
        _underWay++;
        if (_next == StageProgram.EvaluationMicroBatches(Specification))
        {
            _order = null;
        }

        return true;
    }

    private static WorkOrder OrderOf(TensorFrame frame) => new()
    {
        Sequence = frame.Header.Sequence,
        Kind = WorkKind.Evaluate,
        Step = frame.Header.MicroBatch.Step,
        Epoch = frame.Header.MicroBatch.Epoch,
        Pathway = frame.Header.Pathway,
    };

    private TensorFrame Credit(WorkOrder order, MicroBatchId id) => frames.Rent(FrameKind.Credit, order.Sequence, id, TensorElementType.Float32, [0], []);

    private void Evaluate(WorkOrder order, int microBatch, TensorFrame? activation)
    {
        using var showing = version.Show();
        var (tokens, targets) = data?.Read(order, microBatch) ?? ([], []);
        var sequences = ShardData.Sequences(Specification, order, microBatch);
        var input = new StageInput { Tokens = tokens, Targets = targets, Activation = activation is null ? [] : activation.Payload.Span };
        if (IsLast)
        {
            Add(order, trainer.Evaluate(input, Specification.ContextLength, []), sequences);
            return;
        }

        var id = new MicroBatchId(shard.Run, order.Epoch, order.Step, microBatch);
        var output = frames.RentActivation(FrameKind.Evaluation, order.Sequence, id, sequences, order.Pathway);
        try
        {
            trainer.Evaluate(input, Specification.ContextLength, output.Payload.Span);
        }
        catch
        {
            output.Dispose();
            throw;
        }

        frames.Send(assignment.Stage + 1, order.Pathway[assignment.Stage + 1], output);
    }

    private void Add(WorkOrder order, float loss, int sequences)
    {
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_losses, order.Sequence, out _);
        sum = (sum.Sum + ((double)loss * sequences), sum.Sequences + sequences, sum.MicroBatches + 1);
        if (sum.MicroBatches == StageProgram.EvaluationMicroBatches(Specification))
        {
            var mean = sum.Sum / sum.Sequences;
            _losses.Clear();
            control.Report(new ShardReport { Session = assignment.Session, Stage = assignment.Stage, Miner = shard.Miner, Order = order, Loss = mean });
        }
    }
}
