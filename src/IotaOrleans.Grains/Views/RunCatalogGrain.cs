using System.Collections.Immutable;
using IotaOrleans.Grains.Placement;

namespace IotaOrleans.Grains.Views;

/// <summary>The names of all runs, in the order in which they became known.</summary>
[ControlPlacement]
internal sealed class RunCatalogGrain([PersistentState("catalog", StorageNames.Control)] IPersistentState<RunCatalogState> state) : Grain, IRunCatalogGrain
{
    public async Task AddAsync(string run)
    {
        ArgumentException.ThrowIfNullOrEmpty(run);
        if (!state.State.Runs.Contains(run))
        {
            state.State.Runs = state.State.Runs.Add(run);
            await state.WriteStateAsync();
        }
    }

    public Task<ImmutableArray<string>> ListAsync() => Task.FromResult(state.State.Runs);
}

/// <summary>What the run catalog stores.</summary>
[GenerateSerializer, Alias("IotaOrleans.RunCatalogState")]
internal sealed class RunCatalogState
{
    [Id(0)]
    public ImmutableArray<string> Runs { get; set; } = [];
}
