using System.Collections.Concurrent;

namespace IotaOrleans.Grains.Views;

/// <summary>A journal that ends with the process, for silos that store nothing.</summary>
internal sealed class MemoryRunJournal : IRunJournal
{
    private readonly ConcurrentDictionary<(string Run, long Number), RunEvent> _events = new();

    /// <inheritdoc />
    public Task AppendAsync(string run, IReadOnlyCollection<RunEvent> events, CancellationToken cancellationToken = default)
    {
        foreach (var happened in events)
        {
            _events.TryAdd((run, happened.Number), happened);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<RunEvent>> ReadAsync(string run, CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<RunEvent>>([.. _events.Where(entry => entry.Key.Run == run).OrderBy(entry => entry.Key.Number).Select(entry => entry.Value)]);
}
