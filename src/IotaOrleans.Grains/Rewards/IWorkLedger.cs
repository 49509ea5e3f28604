namespace IotaOrleans.Grains.Rewards;

/// <summary>
/// Where receipts are kept, and epochs settled from them. What <c>AppendAsync</c> acknowledged survives the process; a
/// settlement happens whole or not at all, and once.
/// </summary>
public interface IWorkLedger
{
    /// <summary>Adds receipts; they are kept when the task completes. One for work that has a receipt already is passed over.</summary>
    /// <param name="receipts">The receipts.</param>
    /// <param name="seals">What miners signed them with; see <see cref="WorkReceipt.Segment"/>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many were new.</returns>
    Task<int> AppendAsync(IReadOnlyCollection<WorkReceipt> receipts, IReadOnlyCollection<SegmentSeal> seals, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AppendAsync(IReadOnlyCollection{WorkReceipt}, IReadOnlyCollection{SegmentSeal}, CancellationToken)" />
    Task<int> AppendAsync(IReadOnlyCollection<WorkReceipt> receipts, CancellationToken cancellationToken = default) => AppendAsync(receipts, [], cancellationToken);

    /// <summary>A miner's receipts of an epoch, in the order of kind, stage and number.</summary>
    Task<IReadOnlyList<WorkReceipt>> ReceiptsAsync(string run, int epoch, string miner, CancellationToken cancellationToken = default);

    /// <summary>The miners that have receipts of an epoch, in order of name.</summary>
    Task<IReadOnlyList<string>> MinersAsync(string run, int epoch, CancellationToken cancellationToken = default);

    /// <summary>The seal of a segment, or null.</summary>
    /// <param name="segment">See <see cref="WorkReceipt.Segment"/>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    Task<SegmentSeal?> FindSealAsync(UInt128 segment, CancellationToken cancellationToken = default);

    /// <summary>Notes that a miner is paid nothing for some epochs; the same note twice is one note.</summary>
    Task PenaliseAsync(Penalty penalty, CancellationToken cancellationToken = default);

    /// <summary>Settles an epoch, or returns its settlement when it was settled before.</summary>
    Task<EpochSettlement> SettleAsync(string run, int epoch, RewardPolicy policy, DateTimeOffset at, CancellationToken cancellationToken = default);

    /// <summary>The settlement of an epoch, or null while it is open.</summary>
    Task<EpochSettlement?> FindAsync(string run, int epoch, CancellationToken cancellationToken = default);

    /// <summary>Computes the settlement of a closed epoch again from the receipts, penalties and rules it was made from; null while it is open.</summary>
    Task<EpochSettlement?> RecomputeAsync(string run, int epoch, CancellationToken cancellationToken = default);

    /// <summary>The epochs of a run that were settled, in order.</summary>
    Task<IReadOnlyList<int>> ListAsync(string run, CancellationToken cancellationToken = default);
}
