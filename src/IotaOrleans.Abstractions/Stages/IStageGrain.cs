using System.Collections.Immutable;
using Orleans.Concurrency;

namespace IotaOrleans;

/// <summary>One pipeline stage of a run, keyed by run/stage: who holds it and which weights are canonical, and when its replicas merge.</summary>
[Alias("IotaOrleans.IStageGrain")]
public interface IStageGrain : IGrainWithStringKey
{
    /// <summary>Gives the stage to its miners.</summary>
    [Alias("Assign")]
    Task AssignAsync(BlockRange blocks, ImmutableArray<string> miners);

    /// <summary>Declares the weights after a step canonical.</summary>
    [Alias("Commit")]
    Task CommitAsync(long step);

    /// <summary>The stage's state, or null when it was never assigned.</summary>
    [Alias("Get")]
    [AlwaysInterleave]
    Task<StageState?> GetAsync();

    /// <summary>Begins a session in elastic mode, with these replicas.</summary>
    [Alias("Open")]
    Task OpenAsync(StageOpening opening);

    /// <summary>A replica joined: it has the version that <see cref="GetVersionAsync"/> names.</summary>
    [Alias("Join")]
    [AlwaysInterleave]
    Task JoinAsync(string miner);

    /// <summary>A replica is gone.</summary>
    [Alias("Lose")]
    [AlwaysInterleave]
    Task LoseAsync(string miner);

    /// <summary>Merges the replicas, as soon as enough of them have worked; returns when that is over.</summary>
    /// <param name="work">Backward passes of each replica in this session.</param>
    /// <param name="last">Whether no more work follows.</param>
    /// <returns>How it went, or null when the round ended without a merge.</returns>
    [Alias("Merge")]
    [AlwaysInterleave]
    Task<MergeReport?> MergeAsync(ImmutableArray<MinerWork> work, bool last);

    /// <summary>The version that the replicas agreed on last.</summary>
    [Alias("GetVersion")]
    [AlwaysInterleave]
    Task<StageVersionName> GetVersionAsync();

    /// <summary>Where the stage stands, or null outside of a session.</summary>
    [Alias("GetPhases")]
    [AlwaysInterleave]
    Task<StagePhaseState?> GetPhasesAsync();
}

/// <summary>How a stage's session begins.</summary>
/// <param name="Session">The session of the shards.</param>
/// <param name="Miners">The replicas.</param>
/// <param name="Swarm">How they work and merge.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageOpening")]
public sealed record StageOpening([property: Id(0)] Guid Session, [property: Id(1)] ImmutableArray<string> Miners, [property: Id(2)] SwarmSettings Swarm);

/// <summary>Work of a miner.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="BackwardPasses">Counted backward passes.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MinerWork")]
public readonly record struct MinerWork([property: Id(0)] string Miner, [property: Id(1)] long BackwardPasses);

/// <summary>What a stage grain stores.</summary>
/// <param name="Blocks">The decoder blocks of the stage.</param>
/// <param name="Miners">The miners that hold it.</param>
/// <param name="CanonicalStep">The step after which the canonical weights were taken.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageState")]
public sealed record StageState([property: Id(0)] BlockRange Blocks, [property: Id(1)] ImmutableArray<string> Miners, [property: Id(2)] long CanonicalStep);
