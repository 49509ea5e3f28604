using System.Collections.Immutable;

namespace IotaOrleans.Grains.Swarm;

/// <summary>An order that the run waits for. It is done when all who have to have reported it, and given up when one of its shards is gone.</summary>
/// <param name="order">The order.</param>
/// <param name="shards">The shards that take part, one of each stage.</param>
internal sealed class AwaitedOrder(WorkOrder order, ImmutableArray<ShardKey> shards)
{
    private readonly HashSet<ShardKey> _due = [.. order.Kind == WorkKind.Evaluate ? shards[^1..] : shards];
    private readonly TaskCompletionSource<double> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The loss that the last stage reported; canceled when a shard is gone.</summary>
    public Task<double> Done => _done.Task;

    /// <summary>The shards that have to be told: an evaluation goes from the first stage to the others by itself.</summary>
    public ImmutableArray<ShardKey> Receivers => order.Kind == WorkKind.Evaluate ? shards[..1] : shards;

    /// <summary>Takes a report in; those of other orders, of shards that are not asked, and repeated ones change nothing.</summary>
    public void Report(ShardKey shard, ShardReport report)
    {
        if (report.Order.Sequence == order.Sequence && _due.Remove(shard) && _due.Count == 0)
        {
            _done.TrySetResult(report.Loss ?? double.NaN);
        }
    }

    /// <summary>Gives the order up when one of its shards is no longer a member.</summary>
    public void Keep(Func<ShardKey, bool> isMember)
    {
        if (!shards.All(isMember))
        {
            _done.TrySetCanceled();
        }
    }
}
