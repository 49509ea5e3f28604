namespace IotaOrleans;

/// <summary>A shard's account of one finished work order.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ShardReport")]
public sealed record ShardReport
{
    /// <summary>The session that the order belongs to.</summary>
    [Id(0)]
    public required Guid Session { get; init; }

    /// <summary>The stage that did the work.</summary>
    [Id(1)]
    public required int Stage { get; init; }

    /// <summary>The miner that did the work.</summary>
    [Id(2)]
    public required string Miner { get; init; }

    /// <summary>The order.</summary>
    [Id(3)]
    public required WorkOrder Order { get; init; }

    /// <summary>Mean loss over the order's micro-batches, nats per token; only the last stage knows it.</summary>
    [Id(4)]
    public double? Loss { get; init; }

    /// <summary>Norm of the whole model's gradient before clipping; null unless a step was taken.</summary>
    [Id(5)]
    public double? GradientNorm { get; init; }

    /// <summary>Forward passes done.</summary>
    [Id(6)]
    public int ForwardPasses { get; init; }

    /// <summary>Backward passes done.</summary>
    [Id(7)]
    public int BackwardPasses { get; init; }

    /// <summary>Time in which the stage computed.</summary>
    [Id(8)]
    public TimeSpan Busy { get; init; }

    /// <summary>Time from the end of the previous order to the end of this one.</summary>
    [Id(9)]
    public TimeSpan Elapsed { get; init; }

    /// <summary>One line that says why the order could not be done, or null.</summary>
    [Id(10)]
    public string? Failure { get; init; }

    /// <summary>The part of <see cref="Busy"/> that went into passes of micro-batches.</summary>
    [Id(11)]
    public PassTimes Passes { get; init; }

    /// <summary>Hash of weights and optimizer state after a snapshot, where a stage has several miners; null otherwise.</summary>
    [Id(12)]
    public UInt128? StateHash { get; init; }
}

/// <summary>Time that a stage spent on the passes of one order.</summary>
/// <param name="Forward">Forward passes.</param>
/// <param name="BackwardInput">Whole backward passes, or their first halves.</param>
/// <param name="BackwardWeights">Second halves of backward passes.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.PassTimes")]
public readonly record struct PassTimes(
    [property: Id(0)] TimeSpan Forward,
    [property: Id(1)] TimeSpan BackwardInput,
    [property: Id(2)] TimeSpan BackwardWeights);
