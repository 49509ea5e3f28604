using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Rewards;

/// <summary>
/// Brings receipts to the ledger in batches, in order, without anybody waiting; while the ledger does not answer they are kept here and
/// tried again. Belongs to one grain, and runs on its scheduler.
/// </summary>
/// <param name="ledger">The ledger.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Receives what went wrong.</param>
internal sealed partial class ReceiptWriter(IWorkLedger ledger, TimeProvider time, ILogger logger)
{
    private const int MostAtOnce = 10_000;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Queue<WorkReceipt> _waiting = new();
    private readonly Queue<SegmentSeal> _seals = new();
    private Task _writing = Task.CompletedTask;
    private TaskCompletionSource _written = NewSignal();
    private (long Receipts, long Seals) _added;
    private (long Receipts, long Seals) _stored;

    /// <summary>Adds a receipt.</summary>
    public void Add(WorkReceipt receipt)
    {
        _waiting.Enqueue(receipt);
        _added.Receipts++;
        Begin();
    }

    /// <summary>Adds what a miner signed receipts with.</summary>
    public void Add(SegmentSeal seal)
    {
        _seals.Enqueue(seal);
        _added.Seals++;
        Begin();
    }

    /// <summary>Completes when all receipts so far are in the ledger; it does not wait for those that are added meanwhile.</summary>
    public async Task DrainAsync()
    {
        var (receipts, seals) = _added;
        while (_stored.Receipts < receipts || _stored.Seals < seals)
        {
            await _written.Task;
        }
    }

    private async Task WriteAsync()
    {
        // Whoever adds several in a row has them written together.
        await Task.Yield();
        for (var failures = 0; _waiting.Count + _seals.Count > 0;)
        {
            var (batch, seals) = (_waiting.Take(MostAtOnce).ToArray(), _seals.ToArray());
            try
            {
                await ledger.AppendAsync(batch, seals);
                Remove(_waiting, batch.Length);
                Remove(_seals, seals.Length);
                (_stored.Receipts, _stored.Seals, failures) = (_stored.Receipts + batch.Length, _stored.Seals + seals.Length, 0);
                var written = _written;
                _written = NewSignal();
                written.SetResult();
            }
            catch (Exception failure)
            {
                if (failures++ == 0)
                {
                    LogKept(_waiting.Count, failure);
                }

                await Task.Delay(Pause, time);
            }
        }
    }

    private static void Remove<T>(Queue<T> queue, int count)
    {
        for (var i = 0; i < count; i++)
        {
            queue.Dequeue();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Begin()
    {
        if (_writing.IsCompleted)
        {
            _writing = WriteAsync();
        }
    }

    [LoggerMessage(LogLevel.Warning, "The ledger does not take receipts; {Count} are kept and tried again every second")]
    private partial void LogKept(int count, Exception failure);
}
