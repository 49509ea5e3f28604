using Orleans.Storage;

namespace IotaOrleans.Host.Storage;

/// <summary>Grain storage in a database that may be away for a while.</summary>
/// <param name="inner">The storage.</param>
/// <param name="serializer">How it writes a state.</param>
/// <param name="outage">Waits for the database.</param>
internal sealed class PatientGrainStorage(IGrainStorage inner, IGrainStorageSerializer serializer, StoreOutage outage) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => outage.PersevereAsync(
        async _ =>
        {
            await inner.ReadStateAsync(stateName, grainId, grainState);
            return true;
        },
        CancellationToken.None);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => outage.PersevereAsync(
        async again =>
        {
            try
            {
                await inner.WriteStateAsync(stateName, grainId, grainState);
            }
            catch (InconsistentStateException) when (again)
            {
                await AdoptAsync(stateName, grainId, grainState, wasCleared: false);
            }

            return true;
        },
        CancellationToken.None);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => outage.PersevereAsync(
        async again =>
        {
            try
            {
                await inner.ClearStateAsync(stateName, grainId, grainState);
            }
            catch (InconsistentStateException) when (again)
            {
                await AdoptAsync(stateName, grainId, grainState, wasCleared: true);
            }

            return true;
        },
        CancellationToken.None);

    /// <summary>The write before may have come through, and only its answer was lost: then the row is the one that was to be written.</summary>
    private async Task AdoptAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, bool wasCleared)
    {
        var stored = new GrainState<T>();
        await inner.ReadStateAsync(stateName, grainId, stored);
        if (stored.RecordExists == wasCleared || (!wasCleared && !serializer.Serialize(stored.State).ToMemory().Span.SequenceEqual(serializer.Serialize(grainState.State).ToMemory().Span)))
        {
            throw new InconsistentStateException($"while the database was away, another writer changed {stateName} of {grainId}", stored.ETag, grainState.ETag);
        }

        (grainState.ETag, grainState.RecordExists) = (stored.ETag, stored.RecordExists);
    }
}
