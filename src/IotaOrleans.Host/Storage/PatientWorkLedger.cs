using IotaOrleans.Grains.Rewards;
using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.Host.Storage;

/// <summary>A ledger in a database that may be away for a while. Whatever it does may be done again: everything counts once.</summary>
internal sealed class PatientWorkLedger(IWorkLedger inner, StoreOutage outage) : IWorkLedger
{
    /// <inheritdoc />
    public Task<int> AppendAsync(IReadOnlyCollection<WorkReceipt> receipts, IReadOnlyCollection<SegmentSeal> seals, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.AppendAsync(receipts, seals, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<WorkReceipt>> ReceiptsAsync(string run, int epoch, string miner, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.ReceiptsAsync(run, epoch, miner, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> MinersAsync(string run, int epoch, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.MinersAsync(run, epoch, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task<SegmentSeal?> FindSealAsync(UInt128 segment, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.FindSealAsync(segment, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task PenaliseAsync(Penalty penalty, CancellationToken cancellationToken = default) => outage.PersevereAsync(
        async _ =>
        {
            await inner.PenaliseAsync(penalty, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement> SettleAsync(string run, int epoch, RewardPolicy policy, DateTimeOffset at, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.SettleAsync(run, epoch, policy, at, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement?> FindAsync(string run, int epoch, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.FindAsync(run, epoch, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement?> RecomputeAsync(string run, int epoch, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.RecomputeAsync(run, epoch, cancellationToken), cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<int>> ListAsync(string run, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.ListAsync(run, cancellationToken), cancellationToken);
}
