using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Swarm;

/// <summary>
/// Which micro-batches of a run were given to whom and which are done. Every number is counted once, however often it was given out
/// or is reported; those of a lost miner are given out again, before new ones.
/// </summary>
public sealed class MicroBatchLedger
{
    private readonly long _end;
    private long _limit;
    private readonly Dictionary<long, string> _open = [];
    private readonly SortedSet<long> _returned;
    private readonly HashSet<long> _early;
    private long _next;
    private long _doneBelow;

    /// <summary>Begins a ledger where another one was.</summary>
    /// <param name="position">What was done by then; what lies beyond the end was done for a run that was to be longer.</param>
    /// <param name="end">One past the last number of the run.</param>
    public MicroBatchLedger(LedgerPosition position, long end)
    {
        position = position.Next <= end ? position : new LedgerPosition(end, position.Missing.RemoveAll(number => number >= end));
        _next = position.Next;
        _returned = [.. position.Missing];
        _doneBelow = position.Missing.IsEmpty ? position.Next : position.Missing.Min();
        _early = [.. Enumerable.Range(0, checked((int)(position.Next - _doneBelow))).Select(offset => _doneBelow + offset).Except(position.Missing)];
        _limit = _end = end;
    }

    /// <summary>
    /// Begins the ledger of a run that goes on. When all is done and steps are left to be counted, nothing would ever tell their losses: they are
    /// done again.
    /// </summary>
    /// <param name="position">What was done by then; null when nothing beyond the completed steps was.</param>
    /// <param name="first">The first number of the first step that was not completed.</param>
    /// <param name="end">One past the last number of the run.</param>
    public static MicroBatchLedger GoOn(LedgerPosition? position, long first, long end)
    {
        var ledger = new MicroBatchLedger(position ?? new LedgerPosition(first, []), end);
        return ledger.IsComplete && first < end ? new MicroBatchLedger(new LedgerPosition(first, []), end) : ledger;
    }

    /// <summary>Micro-batches that are done, counted from the run's first.</summary>
    public long Completed => _doneBelow + _early.Count;

    /// <summary>Micro-batches that were given out and are not done.</summary>
    public int Open => _open.Count;

    /// <summary>Whether all are done.</summary>
    public bool IsComplete => Completed == _end;

    /// <summary>Whether there is anything to give out.</summary>
    public bool HasMore => _returned.Count > 0 || _next < _limit;

    /// <summary>Whether nothing that was given out, or came back, is left to be done.</summary>
    public bool IsDrained => _open.Count == 0 && !HasMore;

    /// <summary>What is done now.</summary>
    public LedgerPosition Position => new(_next, [.. _open.Keys.Concat(_returned).Order()]);

    /// <summary>Gives out micro-batches: those that came back first, then the next ones.</summary>
    public ImmutableArray<long> Grant(string miner, int count)
    {
        var granted = ImmutableArray.CreateBuilder<long>();
        while (granted.Count < count && HasMore)
        {
            long number;
            if (_returned.Count > 0)
            {
                number = _returned.Min;
                _returned.Remove(number);
            }
            else
            {
                number = _next++;
            }

            _open[number] = miner;
            granted.Add(number);
        }

        return granted.ToImmutable();
    }

    /// <summary>Notes that a micro-batch is done.</summary>
    /// <param name="number">The micro-batch.</param>
    /// <param name="miner">Who says so.</param>
    /// <returns>False when it was counted before, was never given out, or somebody else has it.</returns>
    public bool Complete(long number, string miner)
    {
        if (_open.TryGetValue(number, out var holder) ? holder != miner : !_returned.Contains(number))
        {
            return false;
        }

        _open.Remove(number);
        _returned.Remove(number);

        _early.Add(number);
        while (_early.Remove(_doneBelow))
        {
            _doneBelow++;
        }

        return true;
    }

    /// <summary>Takes back what a miner had; it is given out again.</summary>
    /// <returns>The micro-batches that it had.</returns>
    public ImmutableArray<long> Return(string miner)
    {
        ImmutableArray<long> lost = [.. _open.Where(entry => entry.Value == miner).Select(entry => entry.Key)];
        foreach (var number in lost)
        {
            _open.Remove(number);
            _returned.Add(number);
        }

        return lost;
    }

    /// <summary>Gives out no more than what completes the last step that was begun: the run is stopping.</summary>
    /// <param name="microBatches">Micro-batches of a step.</param>
    public void Close(int microBatches) => _limit = Math.Min(_end, (_next + microBatches - 1) / microBatches * microBatches);
}
