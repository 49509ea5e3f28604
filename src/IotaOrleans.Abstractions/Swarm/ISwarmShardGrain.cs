using System.Collections.Immutable;
using Orleans.Concurrency;

namespace IotaOrleans;

/// <summary>
/// The elastic side of a shard, keyed by <see cref="ShardKey"/>. In elastic mode no plan binds the shards: the first stage's are given
/// micro-batches, every shard passes them on to whoever has capacity, and each takes optimizer steps of its own until its stage merges.
/// </summary>
[Alias("IotaOrleans.ISwarmShardGrain")]
public interface ISwarmShardGrain : IGrainWithStringKey
{
    /// <summary>Gives a shard of the first stage micro-batches to run; see <see cref="MicroBatchNumber"/>.</summary>
    [Alias("Grant")]
    Task GrantAsync(Guid session, ImmutableArray<long> microBatches);

    /// <summary>
    /// Says who works in each stage now. What was under way at a miner that is no longer there is sent to another one.
    /// </summary>
    [Alias("SetMembers")]
    Task SetMembersAsync(Guid session, SwarmMembers members);

    /// <summary>Sets aside what the shard has learnt since the last merge, for the next one, and goes on training.</summary>
    /// <param name="session">The session.</param>
    /// <param name="round">The round.</param>
    /// <param name="last">Whether no more work follows: what has accumulated for a step is used now, however little it is.</param>
    [Alias("Cut")]
    [AlwaysInterleave]
    Task<UpdateReport> CutAsync(Guid session, long round, bool last);

    /// <summary>Sends the shard's update to the owners of the cells and reduces those that it owns itself.</summary>
    /// <returns>The hashes of its copies.</returns>
    [Alias("Reduce")]
    [AlwaysInterleave]
    Task<ImmutableArray<CellCopy>> ReduceAsync(Guid session, MergeOrder order);

    /// <summary>Sends a cell of the shard's update to an arbiter.</summary>
    [Alias("SendCell")]
    [AlwaysInterleave]
    Task SendCellAsync(Guid session, MergeOrder order, int cell, string arbiter);

    /// <summary>Reduces a cell that others own, because they disagree.</summary>
    [Alias("Arbitrate")]
    [AlwaysInterleave]
    Task<CellCopy> ArbitrateAsync(Guid session, MergeOrder order, int cell);

    /// <summary>Exchanges the decided cells, puts the next version together and waits for <see cref="CommitAsync"/>.</summary>
    /// <returns>The version's hash, or null when cells did not come or were wrong.</returns>
    [Alias("Assemble")]
    [AlwaysInterleave]
    Task<UInt128?> AssembleAsync(Guid session, AssemblyOrder order);

    /// <summary>Waits no longer for the cells of a replica that is gone, in a round.</summary>
    [Alias("LosePeer")]
    [AlwaysInterleave]
    Task LosePeerAsync(Guid session, long round, string miner);

    /// <summary>Takes the assembled version over, and what was learnt since the cut with it; or drops it when the replicas did not agree.</summary>
    [Alias("Commit")]
    [AlwaysInterleave]
    Task CommitAsync(Guid session, long round, bool agreed);

    /// <summary>Reads part of the agreed version.</summary>
    /// <param name="session">The session.</param>
    /// <param name="round">The version's round; another one is refused.</param>
    /// <param name="section">Which vector.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="count">Most bytes to return; at most 4 MiB.</param>
    [Alias("ReadVersion")]
    [AlwaysInterleave]
    Task<ReadOnlyMemory<byte>> ReadVersionAsync(Guid session, long round, VersionSection section, long offset, int count);

    /// <summary>Fetches the agreed version from the stage's other replicas, and begins or goes on from it.</summary>
    /// <exception cref="IotaException">Nobody has it, or what came has another hash.</exception>
    [Alias("Fetch")]
    [AlwaysInterleave]
    Task FetchAsync(Guid session, StageVersionName version, ImmutableArray<string> peers);

    /// <summary>Reads part of what a segment that is checked worked on.</summary>
    /// <param name="session">The session.</param>
    /// <param name="hash">Hash of the bytes.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="count">Most bytes to return; at most 4 MiB.</param>
    /// <returns>Nothing when the shard has no such bytes, or none from the offset on.</returns>
    [Alias("ReadEvidence")]
    [AlwaysInterleave]
    Task<ReadOnlyMemory<byte>> ReadEvidenceAsync(Guid session, UInt128 hash, long offset, int count);

    /// <summary>Says that a segment's bytes were fetched: the shard can let go of them.</summary>
    [Alias("ReleaseSegment")]
    [AlwaysInterleave]
    Task ReleaseSegmentAsync(Guid session, long segment);

    /// <summary>Ends the open segment, however short it is, because the shard's work ends.</summary>
    /// <returns>It, and those before that nobody has been told of.</returns>
    [Alias("CloseSegment")]
    [AlwaysInterleave]
    Task<ImmutableArray<SegmentRecord>> CloseSegmentAsync(Guid session);

    /// <summary>Ends the open segment after an optimizer step of what has accumulated; it comes with the next report. Whoever is suspected is asked for it.</summary>
    [Alias("HandIn")]
    [AlwaysInterleave]
    Task HandInAsync(Guid session);
}

/// <summary>The vectors that make up an agreed version, each one fp32 value per parameter.</summary>
public enum VersionSection
{
    /// <summary>The weights.</summary>
    Weights,

    /// <summary>The outer optimizer's velocity.</summary>
    Velocity,

    /// <summary>One replica's running mean of the gradient: a joiner begins with it.</summary>
    FirstMoment,

    /// <summary>One replica's running mean of the squared gradient.</summary>
    SecondMoment,
}

/// <summary>Which version of a stage.</summary>
/// <param name="Round">Merges that led to it.</param>
/// <param name="Hash">Hash of its weights and velocity, or null when none was taken: the first version follows from the seed.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageVersionName")]
public sealed record StageVersionName([property: Id(0)] long Round, [property: Id(1)] UInt128? Hash);

/// <summary>The miners of every stage at one time.</summary>
/// <param name="Version">Grows with every change; an older version that arrives late is passed over.</param>
/// <param name="Stages">The miners, in stage order.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SwarmMembers")]
public sealed record SwarmMembers([property: Id(0)] int Version, [property: Id(1)] ImmutableArray<ImmutableArray<string>> Stages);
