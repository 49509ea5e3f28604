using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Runs;

/// <summary>
/// Collects the shards' reports and releases work orders as complete, in the order of the plan and each exactly once, however the
/// reports arrive: late, repeated or out of turn.
/// </summary>
/// <param name="shards">Number of shards that report each order.</param>
public sealed class OrderLedger(int shards)
{
    private readonly Dictionary<long, ShardReport?[]> _open = [];
    private long _next = 1;

    /// <summary>Orders that are complete so far.</summary>
    public long Completed => _next - 1;

    /// <summary>Adds a report.</summary>
    /// <param name="shard">Which shard it is from, from zero.</param>
    /// <param name="report">The report.</param>
    /// <returns>The orders that it completed: for each the reports of all shards, in their order.</returns>
    public ImmutableArray<ImmutableArray<ShardReport>> Add(int shard, ShardReport report)
    {
        if (report.Order.Sequence < _next || shard < 0 || shard >= shards)
        {
            return [];
        }

        if (!_open.TryGetValue(report.Order.Sequence, out var reports))
        {
            _open.Add(report.Order.Sequence, reports = new ShardReport?[shards]);
        }

        reports[shard] ??= report;
        var completed = ImmutableArray.CreateBuilder<ImmutableArray<ShardReport>>();
        while (_open.TryGetValue(_next, out var next) && Array.TrueForAll(next, entry => entry is not null))
        {
            completed.Add([.. next.Select(entry => entry!)]);
            _open.Remove(_next);
            _next++;
        }

        return completed.ToImmutable();
    }
}
