using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>Tells a shard which part of which model it holds and whom it works with.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ShardAssignment")]
public sealed record ShardAssignment
{
    /// <summary>The run.</summary>
    [Id(0)]
    public required TrainingRunSpecification Specification { get; init; }

    /// <summary>The stage to hold.</summary>
    [Id(1)]
    public required int Stage { get; init; }

    /// <summary>Distinguishes this session of the run from earlier ones, whose late frames are refused.</summary>
    [Id(2)]
    public required Guid Session { get; init; }

    /// <summary>Folder of the checkpoint to continue from, or null for initial weights.</summary>
    [Id(3)]
    public string? Checkpoint { get; init; }

    /// <summary>The last step that the weights to begin with have seen.</summary>
    [Id(4)]
    public long Step { get; init; }
}
