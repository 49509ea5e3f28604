namespace IotaOrleans.Tensors;

/// <summary>Moves frames from shard to shard.</summary>
public interface ITensorTransport
{
    /// <summary>
    /// Sends a frame, which the transport owns from here on. Returns once the receiver has it in its inbox; the work on it comes later.
    /// </summary>
    Task SendAsync(ShardKey receiver, TensorFrame frame);
}
