using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Storage;

/// <summary>
/// Stores entries in batches, in order, without anybody waiting; while the store does not take them they are kept here and tried again.
/// Belongs to one grain, and runs on its scheduler.
/// </summary>
/// <param name="what">What the entries are called.</param>
/// <param name="append">Stores a batch, all of it or nothing.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Receives what went wrong.</param>
internal sealed partial class BatchWriter<T>(string what, Func<IReadOnlyList<T>, Task> append, TimeProvider time, ILogger logger)
{
    private const int MostAtOnce = 10_000;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Queue<T> _waiting = new();
    private Task _writing = Task.CompletedTask;
    private TaskCompletionSource _written = NewSignal();
    private long _added;
    private long _stored;

    /// <summary>Adds an entry.</summary>
    public void Add(T entry)
    {
        _waiting.Enqueue(entry);
        _added++;
        if (_writing.IsCompleted)
        {
            _writing = WriteAsync();
        }
    }

    /// <summary>Completes when all entries so far are stored; it does not wait for those that are added meanwhile.</summary>
    public async Task DrainAsync()
    {
        var added = _added;
        while (_stored < added)
        {
            await _written.Task;
        }
    }

    private async Task WriteAsync()
    {
        // Whoever adds several in a row has them written together.
        await Task.Yield();
        for (var failures = 0; _waiting.Count > 0;)
        {
            var batch = _waiting.Take(MostAtOnce).ToArray();
            try
            {
                await append(batch);
                for (var i = 0; i < batch.Length; i++)
                {
                    _waiting.Dequeue();
                }

                (_stored, failures) = (_stored + batch.Length, 0);
                var written = _written;
                _written = NewSignal();
                written.SetResult();
            }
            catch (Exception failure)
            {
                if (failures++ == 0)
                {
                    LogKept(what, _waiting.Count, failure);
                }

                await Task.Delay(Pause, time);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(LogLevel.Warning, "The store does not take {What}; {Count} are kept and tried again every second")]
    private partial void LogKept(string what, int count, Exception failure);
}
