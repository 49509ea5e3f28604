using System.Collections.Immutable;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Shards;

/// <summary>The frames of one shard: what it takes from its inbox, what it rents, and where it sends it.</summary>
/// <param name="shard">The shard.</param>
/// <param name="assignment">Its place in the run.</param>
/// <param name="inbox">What arrived.</param>
/// <param name="transport">The way to the other shards.</param>
/// <param name="failed">Called when a frame could not be delivered.</param>
internal sealed class ShardFrames(ShardKey shard, ShardAssignment assignment, ShardInbox inbox, ITensorTransport transport, Action<Exception> failed)
{
    private TrainingRunSpecification Specification => assignment.Specification;

    public bool Arrived(FrameKind kind, WorkOrder order, int index) => inbox.Contains(new FrameKey(kind, order.Sequence, index));

    /// <summary>Takes a frame that has arrived; the caller owns it.</summary>
    public TensorFrame Take(FrameKind kind, WorkOrder order, int index) => inbox.TryTake(new FrameKey(kind, order.Sequence, index), out var frame)
        ? frame
        : throw new InvalidOperationException($"the {kind} frame {order.Sequence}/{index} vanished from the inbox");

    /// <summary>Rents the frame of an activation, or of the gradient by one, in the run's wire format.</summary>
    public TensorFrame RentActivation(FrameKind kind, WorkOrder order, int microBatch, ImmutableArray<string> pathway)
    {
        var shape = WireTensor.Shape(Specification.WireFormat, [
            ShardData.Sequences(Specification, order, microBatch),
            Specification.ContextLength,
            Boundaries.Width(assignment, kind),
        ]);
        return Rent(kind, order, microBatch, WireTensor.ElementType(Specification.WireFormat), shape, pathway);
    }

    public TensorFrame Rent(FrameKind kind, WorkOrder order, int microBatch, TensorElementType elementType, ImmutableArray<int> shape, ImmutableArray<string> pathway) =>
        TensorFrame.Rent(FramePool.Shared, new FrameHeader
        {
            Kind = kind,
            Session = assignment.Session,
            Sequence = order.Sequence,
            MicroBatch = new MicroBatchId(shard.Run, order.Epoch, order.Step, microBatch),
            SourceStage = assignment.Stage,
            ElementType = elementType,
            Shape = shape,
            Pathway = pathway,
        });

    /// <summary>Tells the stage before that an activation which no gradient will answer was taken: it may send another one.</summary>
    public void SendCredit(WorkOrder order, int microBatch) =>
        SendToOwner(assignment.Stage - 1, order, Rent(FrameKind.Credit, order, microBatch, TensorElementType.Float32, [0], []));

    /// <summary>Sends a frame to the miner of a stage that runs the frame's micro-batch; the transport owns it from here on.</summary>
    public void SendToOwner(int stage, WorkOrder order, TensorFrame frame) =>
        Send(ReplicaWork.MinerOf(Specification, stage, order.Kind, frame.Header.MicroBatch.Index), stage, frame);

    /// <summary>Sends a frame to one of a stage's miners; the transport owns it from here on.</summary>
    public void Send(int stage, int replica, TensorFrame frame) => Send(Specification.Miners[stage][replica], stage, frame);

    private void Send(string miner, int stage, TensorFrame frame)
    {
        var sent = transport.SendAsync(new ShardKey(shard.Run, stage, miner), frame);
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
            failed(failure);
        }
    }
}
