namespace IotaOrleans.ClusterTests.Storage;

/// <summary>A grain that only keeps state.</summary>
[Alias("IotaOrleans.ClusterTests.INotebookGrain")]
public interface INotebookGrain : IGrainWithStringKey
{
    [Alias("Read")]
    Task<NotebookState> ReadAsync();

    [Alias("Write")]
    Task WriteAsync(string text, byte[]? bytes = null);

    [Alias("Add")]
    Task AddAsync(int amount);

    [Alias("Clear")]
    Task ClearAsync();

    [Alias("HasRecord")]
    Task<bool> HasRecordAsync();
}
