using IotaOrleans.Grains.Storage;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Rewards;

/// <summary>Brings receipts to the ledger, and what miners signed them with; see <see cref="BatchWriter{T}"/>.</summary>
/// <param name="ledger">The ledger.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Receives what went wrong.</param>
internal sealed class ReceiptWriter(IWorkLedger ledger, TimeProvider time, ILogger logger)
{
    private readonly BatchWriter<object> _writer = new(
        "receipts", async batch => await ledger.AppendAsync([.. batch.OfType<WorkReceipt>()], [.. batch.OfType<SegmentSeal>()]), time, logger);

    /// <summary>Adds a receipt.</summary>
    public void Add(WorkReceipt receipt) => _writer.Add(receipt);

    /// <summary>Adds what a miner signed receipts with.</summary>
    public void Add(SegmentSeal seal) => _writer.Add(seal);

    /// <summary>Completes when all receipts so far are in the ledger; it does not wait for those that are added meanwhile.</summary>
    public Task DrainAsync() => _writer.DrainAsync();
}
