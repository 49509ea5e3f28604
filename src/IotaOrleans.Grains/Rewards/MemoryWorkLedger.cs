using IotaOrleans.Protocol.Rewards;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Grains.Rewards;

/// <summary>A ledger that ends with the process, for clusters whose grain storage does so too.</summary>
internal sealed class MemoryWorkLedger : IWorkLedger
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Run, ReceiptKind Kind, long Number, int Stage, string Holder), WorkReceipt> _receipts = [];
    private readonly Dictionary<UInt128, SegmentSeal> _seals = [];
    private readonly HashSet<Penalty> _penalties = [];
    private readonly Dictionary<(string Run, int Epoch), (RewardPolicy Policy, EpochSettlement Settlement)> _settlements = [];

    /// <inheritdoc />
    public Task<int> AppendAsync(IReadOnlyCollection<WorkReceipt> receipts, IReadOnlyCollection<SegmentSeal> seals, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            foreach (var seal in seals)
            {
                _seals.TryAdd(SegmentHash.Short(seal.Hash.AsSpan()), seal);
            }

            // Work that comes after its epoch was settled is finished work all the same: it counts in the next one.
            return Task.FromResult(receipts.Count(receipt => _receipts.TryAdd(
                (receipt.Run, receipt.Kind, receipt.Number, receipt.Stage, receipt.Kind is ReceiptKind.Forward or ReceiptKind.Backward ? "" : receipt.Miner), receipt with { Epoch = Math.Max(receipt.Epoch, FirstOpenEpoch(receipt.Run)) })));
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<WorkReceipt>> ReceiptsAsync(string run, int epoch, string miner, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<WorkReceipt>>(
            [
                .. _receipts.Values.Where(receipt => receipt.Run == run && receipt.Epoch == epoch && receipt.Miner == miner)
                    .OrderBy(receipt => receipt.Kind).ThenBy(receipt => receipt.Stage).ThenBy(receipt => receipt.Number),
            ]);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> MinersAsync(string run, int epoch, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<string>>(
                [.. _receipts.Values.Where(receipt => receipt.Run == run && receipt.Epoch == epoch).Select(receipt => receipt.Miner).Distinct().Order(StringComparer.Ordinal)]);
        }
    }

    /// <inheritdoc />
    public Task<SegmentSeal?> FindSealAsync(UInt128 segment, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult(_seals.GetValueOrDefault(segment));
        }
    }

    /// <inheritdoc />
    public Task PenaliseAsync(Penalty penalty, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            _penalties.Add(penalty with { First = Math.Max(penalty.First, FirstOpenEpoch(penalty.Run)) });
            return Task.CompletedTask;
        }
    }

    /// <inheritdoc />
    public Task<EpochSettlement> SettleAsync(string run, int epoch, RewardPolicy policy, DateTimeOffset at, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (!_settlements.TryGetValue((run, epoch), out var settled))
            {
                _settlements[(run, epoch)] = settled = (policy, Compute(run, epoch, policy, at));
            }

            return Task.FromResult(settled.Settlement);
        }
    }

    /// <inheritdoc />
    public Task<EpochSettlement?> FindAsync(string run, int epoch, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult(_settlements.TryGetValue((run, epoch), out var settled) ? settled.Settlement : null);
        }
    }

    /// <inheritdoc />
    public Task<EpochSettlement?> RecomputeAsync(string run, int epoch, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult(_settlements.TryGetValue((run, epoch), out var settled) ? Compute(run, epoch, settled.Policy, settled.Settlement.ClosedAt) : null);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<int>> ListAsync(string run, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<int>>([.. _settlements.Keys.Where(key => key.Run == run).Select(key => key.Epoch).Order()]);
        }
    }

    private int FirstOpenEpoch(string run) => _settlements.Keys.Where(key => key.Run == run).Select(key => key.Epoch + 1).DefaultIfEmpty(0).Max();

    private EpochSettlement Compute(string run, int epoch, RewardPolicy policy, DateTimeOffset at)
    {
        var penalties = _penalties
            .Where(penalty => penalty.Run == run && penalty.First <= epoch && epoch < penalty.Until)
            .GroupBy(penalty => penalty.Miner)
            .ToDictionary(group => group.Key, group => group.MinBy(penalty => penalty.First)!.Reason);
        var claims = _receipts.Values
            .Where(receipt => receipt.Run == run && receipt.Kind == ReceiptKind.Backward && receipt.Epoch <= epoch && receipt.Epoch > epoch - policy.Window)
            .GroupBy(receipt => (receipt.Miner, receipt.Stage))
            .Select(group => new RewardClaim(
                group.Key.Miner,
                group.Key.Stage,
                group.LongCount(receipt => receipt.Epoch == epoch),
                group.Where(receipt => receipt.Epoch == epoch).Sum(receipt => receipt.Tokens),
                group.LongCount(receipt => receipt.Epoch < epoch),
                penalties.GetValueOrDefault(group.Key.Miner)));
        return Settlement.Settle(run, epoch, policy, claims, at);
    }
}
