using System.Collections.Immutable;
using Orleans.Concurrency;

namespace IotaOrleans;

/// <summary>The read model of one run, keyed by the run's name: dashboards query and follow it and never touch the grains that work.</summary>
[Alias("IotaOrleans.IRunViewGrain")]
public interface IRunViewGrain : IGrainWithStringKey
{
    /// <summary>Applies what happened; called by the run grain.</summary>
    [Alias("Publish")]
    Task PublishAsync(RunPhase phase, ImmutableArray<RunEvent> events);

    /// <summary>The view, or null when nothing was published yet.</summary>
    [Alias("Get")]
    [AlwaysInterleave]
    Task<RunView?> GetAsync();

    /// <summary>
    /// Events with a number above <paramref name="after"/>, at most 1,000; waits up to <paramref name="patience"/> (at most 20 s) for the first.
    /// The view keeps the newest 10,000 events.
    /// </summary>
    [Alias("GetEvents")]
    [AlwaysInterleave]
    Task<ImmutableArray<RunEvent>> GetEventsAsync(long after, TimeSpan patience);
}

/// <summary>The list of runs that a cluster knows; one grain, key <see cref="Key"/>.</summary>
[Alias("IotaOrleans.IRunCatalogGrain")]
public interface IRunCatalogGrain : IGrainWithStringKey
{
    /// <summary>The key of the only activation.</summary>
    const string Key = "runs";

    /// <summary>Adds a run; known ones are ignored.</summary>
    [Alias("Add")]
    Task AddAsync(string run);

    /// <summary>All runs, oldest first.</summary>
    [Alias("List")]
    Task<ImmutableArray<string>> ListAsync();
}
