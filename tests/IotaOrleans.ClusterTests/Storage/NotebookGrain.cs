namespace IotaOrleans.ClusterTests.Storage;

public sealed class NotebookGrain([PersistentState("notebook", StorageNames.Control)] IPersistentState<NotebookState> state) : Grain, INotebookGrain
{
    public Task<NotebookState> ReadAsync() => Task.FromResult(state.State);

    public async Task WriteAsync(string text, byte[]? bytes)
    {
        state.State = state.State with { Text = text, Bytes = bytes ?? [] };
        await state.WriteStateAsync();
    }

    public async Task AddAsync(int amount)
    {
        state.State = state.State with { Sum = state.State.Sum + amount };
        await state.WriteStateAsync();
    }

    public Task ClearAsync() => state.ClearStateAsync();

    public Task<bool> HasRecordAsync() => Task.FromResult(state.RecordExists);
}
