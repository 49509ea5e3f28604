using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>What a work order asks of every shard.</summary>
public enum WorkKind
{
    /// <summary>One optimizer step.</summary>
    Train,

    /// <summary>Forward passes over the validation split.</summary>
    Evaluate,

    /// <summary>Keep a copy of weights and optimizer state for a checkpoint.</summary>
    Snapshot,
}

/// <summary>One entry of the run's plan. Every shard works through the same plan in the same order, without asking between entries.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.WorkOrder")]
public sealed record WorkOrder
{
    /// <summary>Position in the plan, from one; never reused within a session.</summary>
    [Id(0)]
    public required long Sequence { get; init; }

    /// <summary>What is to be done.</summary>
    [Id(1)]
    public required WorkKind Kind { get; init; }

    /// <summary>The optimizer step: the one to take, or the last one taken.</summary>
    [Id(2)]
    public required long Step { get; init; }

    /// <summary>The reward epoch that the work counts for.</summary>
    [Id(3)]
    public required int Epoch { get; init; }

    /// <summary>Learning rate of the step.</summary>
    [Id(4)]
    public double LearningRate { get; init; }

    /// <summary>In elastic mode: the miners that evaluate, one for each stage in order.</summary>
    [Id(5)]
    public ImmutableArray<string> Pathway { get; init; } = [];
}
