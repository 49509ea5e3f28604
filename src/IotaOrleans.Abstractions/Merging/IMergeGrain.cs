using System.Collections.Immutable;
using Orleans.Concurrency;

namespace IotaOrleans;

/// <summary>The butterfly all-reduce of one stage in one round, keyed by <see cref="MergeId"/>: agreement, outcome and what became known by it.</summary>
[Alias("IotaOrleans.IMergeGrain")]
public interface IMergeGrain : IGrainWithStringKey
{
    /// <summary>Chooses the secret that the map will follow from, before anybody uploads.</summary>
    [Alias("Open")]
    Task<MergeCommitment> OpenAsync();

    /// <summary>Merges. Repeated calls return the first one's report.</summary>
    [Alias("Run")]
    Task<MergeReport> RunAsync(MergeRequest request);

    /// <summary>The time is up: decide by what has come.</summary>
    [Alias("Close")]
    [AlwaysInterleave]
    Task CloseAsync();

    /// <summary>A replica is gone: nobody waits for it any longer.</summary>
    [Alias("Lose")]
    [AlwaysInterleave]
    Task LoseAsync(string miner);

    /// <summary>The report, or null while there is none.</summary>
    [Alias("Get")]
    [AlwaysInterleave]
    Task<MergeReport?> GetAsync();
}

/// <summary>What is merged.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeRequest")]
public sealed record MergeRequest
{
    /// <summary>The session of the shards.</summary>
    [Id(0)]
    public required Guid Session { get; init; }

    /// <summary>All living replicas of the stage; each gets the new version.</summary>
    [Id(1)]
    public required ImmutableArray<string> Members { get; init; }

    /// <summary>The updates that are merged, by miner.</summary>
    [Id(2)]
    public required ImmutableArray<ReplicaUpdate> Updates { get; init; }

    /// <summary>How.</summary>
    [Id(3)]
    public required MergeSettings Settings { get; init; }

    /// <summary>How the updates travel.</summary>
    [Id(4)]
    public required UpdateFormat Format { get; init; }

    /// <summary>How long a replica waits for what others send.</summary>
    [Id(5)]
    public required TimeSpan Patience { get; init; }
}

/// <summary>A replica's update.</summary>
/// <param name="Miner">The replica.</param>
/// <param name="Report">What it says of it.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ReplicaUpdate")]
public sealed record ReplicaUpdate([property: Id(0)] string Miner, [property: Id(1)] UpdateReport Report);

/// <summary>How a merge went.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeReport")]
public sealed record MergeReport
{
    /// <summary>The merge.</summary>
    [Id(0)]
    public required MergeId Merge { get; init; }

    /// <summary>How it ended.</summary>
    [Id(1)]
    public required MergeOutcome Outcome { get; init; }

    /// <summary>The version that all replicas have now, or null when they returned to the last one.</summary>
    [Id(2)]
    public StageVersionName? Version { get; init; }

    /// <summary>The replicas whose updates went into it.</summary>
    [Id(3)]
    public ImmutableArray<string> Contributors { get; init; } = [];

    /// <summary>Replicas that reduced a cell otherwise than it was decided.</summary>
    [Id(4)]
    public ImmutableArray<string> Faulty { get; init; } = [];

    /// <summary>The copies of cells that were as it was decided.</summary>
    [Id(9)]
    public ImmutableArray<CellCopy> Reduced { get; init; } = [];

    /// <summary>Replicas that had to fetch the version again, because they had put together another one.</summary>
    [Id(5)]
    public ImmutableArray<string> Repaired { get; init; } = [];

    /// <summary>Published before anybody uploaded.</summary>
    [Id(8)]
    public required MergeCommitment Commitment { get; init; }

    /// <summary>The secret that the map followed from, in hexadecimal: anybody can check it against the commitment.</summary>
    [Id(6)]
    public string Secret { get; init; } = "";

    /// <summary>Time from the first reduction to the commitment.</summary>
    [Id(7)]
    public TimeSpan Duration { get; init; }
}
