namespace IotaOrleans.Protocol.Validation;

/// <summary>What a miner signed for: a micro-batch through its stage and back.</summary>
public sealed record PassClaim
{
    /// <summary>Hash of the activation that came in; zero in the first stage.</summary>
    public UInt128 ForwardInput { get; init; }

    /// <summary>Hash of the activation that went out; zero in the last stage.</summary>
    public UInt128 ForwardOutput { get; init; }

    /// <summary>Hash of the gradient that came in; zero in the last stage.</summary>
    public UInt128 BackwardInput { get; init; }

    /// <summary>Hash of the gradient that went out; zero in the first stage.</summary>
    public UInt128 BackwardOutput { get; init; }

    /// <summary>Optimizer steps of the shard before the forward pass.</summary>
    public long Version { get; init; }

    /// <summary>Time of the forward pass, as the miner says.</summary>
    public int ForwardMicroseconds { get; init; }

    /// <summary>Time of both halves of the backward pass, as the miner says.</summary>
    public int BackwardMicroseconds { get; init; }

    /// <summary>Whether the backward pass is in it.</summary>
    public bool RanBackward { get; init; }

    /// <summary>The signed segment in which it ended.</summary>
    public UInt128 Segment { get; init; }
}
