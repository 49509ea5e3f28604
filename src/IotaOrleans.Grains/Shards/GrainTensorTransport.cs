using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Shards;

/// <summary>Passes frames by reference within the silo, and through a grain call to another one.</summary>
/// <param name="inboxes">This silo's shards.</param>
/// <param name="grains">The way to all others.</param>
internal sealed class GrainTensorTransport(FrameInboxes inboxes, IGrainFactory grains) : ITensorTransport
{
    /// <inheritdoc />
    public Task SendAsync(ShardKey receiver, TensorFrame frame)
    {
        if (inboxes.TryGet(receiver, out var inbox))
        {
            inbox.Accept(frame);
            return Task.CompletedTask;
        }

        return SendToSiloAsync(receiver, frame);
    }

    private async Task SendToSiloAsync(ShardKey receiver, TensorFrame frame)
    {
        using (frame)
        {
            IotaInstruments.RecordWireBytes(frame.Header.Kind.ToString(), frame.Payload.Length);
            await grains.GetGrain<IFrameReceiverGrain>(receiver.ToString()).AcceptAsync(frame);
        }
    }
}
