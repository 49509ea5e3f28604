using Orleans.Storage;

namespace IotaOrleans.Host.Storage;

/// <summary>
/// Gives every grain a record of its own in a relational storage. The ADO.NET provider leaves out the grain's type and
/// reads string keys as numbers where it can: "1", "01" and any grain of the same state name would share one record.
/// Here the type is part of the key, and the slash keeps it from being a number.
/// </summary>
internal sealed class ExactKeyGrainStorage(IGrainStorage inner) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ReadStateAsync(stateName, Exact(grainId), grainState);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
        inner.ReadStateAsync(stateName, Exact(grainId), grainState, cancellationToken);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.WriteStateAsync(stateName, Exact(grainId), grainState);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
        inner.WriteStateAsync(stateName, Exact(grainId), grainState, cancellationToken);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ClearStateAsync(stateName, Exact(grainId), grainState);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
        inner.ClearStateAsync(stateName, Exact(grainId), grainState, cancellationToken);

    private static GrainId Exact(GrainId grainId) => GrainId.Create(grainId.Type, $"{grainId.Type}/{grainId.Key}");
}
