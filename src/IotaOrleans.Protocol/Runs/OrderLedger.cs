using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Runs;

/// <summary>
/// Collects the stages' reports and releases work orders as complete, in the order of the plan and each exactly once, however the
/// reports arrive: late, repeated or out of turn.
/// </summary>
/// <param name="stages">Number of stages that report each order.</param>
public sealed class OrderLedger(int stages)
{
    private readonly Dictionary<long, ShardReport?[]> _open = [];
    private long _next = 1;

    /// <summary>Orders that are complete so far.</summary>
    public long Completed => _next - 1;

    /// <summary>Adds a report.</summary>
    /// <returns>The orders that it completed: for each the reports of all stages, in stage order.</returns>
    public ImmutableArray<ImmutableArray<ShardReport>> Add(ShardReport report)
    {
        if (report.Order.Sequence < _next || report.Stage < 0 || report.Stage >= stages)
        {
            return [];
        }

        if (!_open.TryGetValue(report.Order.Sequence, out var reports))
        {
            _open.Add(report.Order.Sequence, reports = new ShardReport?[stages]);
        }

        reports[report.Stage] ??= report;
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
