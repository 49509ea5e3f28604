using System.Diagnostics.CodeAnalysis;

namespace IotaOrleans.Grains.Shards;

/// <summary>
/// Orders in the sequence of the plan, however they arrive: grain calls that are under way together may overtake each other, and two
/// stages that disagree about what comes next would wait for each other for ever.
/// </summary>
internal sealed class OrderQueue
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, WorkOrder> _orders = [];
    private long _next = 1;

    /// <summary>Adds an order; one that is there or was taken already is not added again.</summary>
    public void Add(WorkOrder order)
    {
        lock (_lock)
        {
            if (order.Sequence >= _next)
            {
                _orders.TryAdd(order.Sequence, order);
            }
        }
    }

    /// <summary>Shows the order that comes next, if it has arrived.</summary>
    public bool TryPeek([NotNullWhen(true)] out WorkOrder? order)
    {
        lock (_lock)
        {
            return _orders.TryGetValue(_next, out order);
        }
    }

    /// <summary>Takes the order that comes next, if it has arrived.</summary>
    public bool TryTake([NotNullWhen(true)] out WorkOrder? order)
    {
        lock (_lock)
        {
            if (!_orders.Remove(_next, out order))
            {
                return false;
            }

            _next++;
            return true;
        }
    }
}
