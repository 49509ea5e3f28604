using System.Collections.Immutable;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Swarm;

/// <summary>Makes and sends the frames of one shard in elastic mode. What cannot be delivered is lost; the run grain notices and gives it out again.</summary>
/// <param name="shard">The shard.</param>
/// <param name="assignment">Its place in the run.</param>
/// <param name="transport">The way to the other shards.</param>
/// <param name="tally">Counts what is sent.</param>
/// <param name="undelivered">Called when a frame for a miner could not be delivered.</param>
internal sealed class SwarmFrames(ShardKey shard, ShardAssignment assignment, ITensorTransport transport, SwarmTally tally, Action<ShardKey, Exception> undelivered)
{
    private TrainingRunSpecification Specification => assignment.Specification;

    /// <summary>Rents the frame of an activation, or of the gradient by one, in the run's wire format.</summary>
    public TensorFrame RentActivation(FrameKind kind, long number, MicroBatchId id, int sequences, ImmutableArray<string> pathway)
    {
        var shape = WireTensor.Shape(Specification.WireFormat, [sequences, Specification.ContextLength, Boundaries.Width(assignment, kind)]);
        return Rent(kind, number, id, WireTensor.ElementType(Specification.WireFormat), shape, pathway);
    }

    public TensorFrame Rent(FrameKind kind, long number, MicroBatchId id, TensorElementType elementType, ImmutableArray<int> shape, ImmutableArray<string> pathway) =>
        TensorFrame.Rent(FramePool.Shared, new FrameHeader
        {
            Kind = kind,
            Session = assignment.Session,
            Sequence = number,
            MicroBatch = id,
            SourceStage = assignment.Stage,
            ElementType = elementType,
            Shape = shape,
            Pathway = pathway,
        });

    /// <summary>Names a micro-batch by its number.</summary>
    public MicroBatchId IdOf(long number)
    {
        var (step, index) = MicroBatchNumber.PlaceOf(Specification, number);
        return new MicroBatchId(shard.Run, Protocol.Runs.WorkPlan.EpochOf(Specification, step), step, index);
    }

    /// <summary>Sends a frame; the transport owns it from here on.</summary>
    public void Send(int stage, string miner, TensorFrame frame)
    {
        var receiver = new ShardKey(shard.Run, stage, miner);
        tally.AddSent(frame.Header.Kind, frame.Payload.Length);
        var sent = transport.SendAsync(receiver, frame);
        if (!sent.IsCompletedSuccessfully)
        {
            _ = ObserveAsync(receiver, sent);
        }
    }

    private async Task ObserveAsync(ShardKey receiver, Task sent)
    {
        try
        {
            await sent;
        }
        catch (Exception failure)
        {
            undelivered(receiver, failure);
        }
    }
}
