using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>
/// What a shard did between two commitments to its state, in hashes: enough for anybody who gets the bytes behind them to do it again, and
/// to see at the first bit whether it was done. It is handed in before its shard can know whether it will be checked.
/// </summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SegmentRecord")]
public sealed record SegmentRecord
{
    /// <summary>The shard.</summary>
    [Id(0)]
    public required ShardKey Shard { get; init; }

    /// <summary>Counts the shard's segments in this session, from zero.</summary>
    [Id(1)]
    public required long Index { get; init; }

    /// <summary>The state at its beginning.</summary>
    [Id(2)]
    public required StateCommitment Start { get; init; }

    /// <summary>The state at its end.</summary>
    [Id(3)]
    public required StateCommitment End { get; init; }

    /// <summary>Micro-batches under way at its beginning, by number.</summary>
    [Id(4)]
    public required ImmutableArray<LivePassClaim> LiveAtStart { get; init; }

    /// <summary>Micro-batches under way at its end, by number.</summary>
    [Id(5)]
    public required ImmutableArray<LivePassClaim> LiveAtEnd { get; init; }

    /// <summary>What was done, in order.</summary>
    [Id(6)]
    public required ImmutableArray<TraceOp> Ops { get; init; }

    /// <summary>What its miner signed it with, or null before.</summary>
    [Id(7)]
    public SegmentSeal? Seal { get; init; }
}
