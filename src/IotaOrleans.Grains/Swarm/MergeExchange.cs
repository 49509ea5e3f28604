using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Swarm;

/// <summary>Cells that other replicas sent: of their updates, and merged ones. Safe from any thread.</summary>
internal sealed class MergeExchange(Guid session, TimeProvider time) : IDisposable
{
    private const int Capacity = 1 << 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<CellKey, TensorFrame> _cells = [];
    private readonly List<Waiting> _waiting = [];
    private readonly HashSet<(long Round, string Miner)> _lost = [];
    private long _oldestRound;
    private bool _closed;

    /// <summary>Whether a frame belongs here.</summary>
    public static bool Takes(FrameKind kind) => kind is FrameKind.Update or FrameKind.MergedCell;

    /// <summary>Takes a frame, which it owns from here on.</summary>
    /// <returns>How many more cells it can take.</returns>
    public int Accept(TensorFrame frame)
    {
        lock (_lock)
        {
            var header = frame.Header;
            var wanted = !_closed && header.Session == session && header.Sequence >= _oldestRound && _cells.Count < Capacity && header.Pathway.Length == 1;
            if (!wanted || !_cells.TryAdd(new CellKey(header.Kind, header.Sequence, header.MicroBatch.Index, header.Pathway[0]), frame))
            {
                frame.Dispose();
                return Capacity - _cells.Count;
            }

            _waiting.RemoveAll(waiting => waiting.CompleteIf(IsNotAwaited));
            return Capacity - _cells.Count;
        }
    }

    /// <summary>A miner is gone: what it has not sent in a round is not waited for.</summary>
    public void Lose(long round, string miner)
    {
        lock (_lock)
        {
            if (round >= _oldestRound && _lost.Add((round, miner)))
            {
                _waiting.RemoveAll(waiting => waiting.CompleteIf(IsNotAwaited));
            }
        }
    }

    /// <summary>Waits until all of these cells are here, or their senders are gone, but no longer than so long.</summary>
    public async Task WaitAsync(IEnumerable<CellKey> keys, TimeSpan patience)
    {
        var waiting = new Waiting([.. keys]);
        lock (_lock)
        {
            if (waiting.CompleteIf(IsNotAwaited))
            {
                return;
            }

            _waiting.Add(waiting);
        }

        await Task.WhenAny(waiting.Completion, Task.Delay(patience, time));
    }

    /// <summary>Hands a cell to the caller, who owns it from here on; null when it has not come.</summary>
    public TensorFrame? Take(CellKey key)
    {
        lock (_lock)
        {
            return _cells.Remove(key, out var frame) ? frame : null;
        }
    }

    /// <summary>Drops the cells of rounds up to this one and refuses those that still come.</summary>
    public void Forget(long round)
    {
        lock (_lock)
        {
            _oldestRound = Math.Max(_oldestRound, round + 1);
            _lost.RemoveWhere(lost => lost.Round <= round);
            foreach (var (key, frame) in _cells.Where(entry => entry.Key.Round <= round).ToArray())
            {
                _cells.Remove(key);
                frame.Dispose();
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var frame in _cells.Values)
            {
                frame.Dispose();
            }

            _cells.Clear();
        }
    }

    private bool IsNotAwaited(CellKey key) => _cells.ContainsKey(key) || _lost.Contains((key.Round, key.Miner));

    private sealed class Waiting(CellKey[] keys)
    {
        private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Completion => _completion.Task;

        public bool CompleteIf(Func<CellKey, bool> isNotAwaited)
        {
            if (!Array.TrueForAll(keys, key => isNotAwaited(key)))
            {
                return false;
            }

            _completion.TrySetResult();
            return true;
        }
    }
}

/// <summary>Names a cell that somebody sent.</summary>
/// <param name="Kind">Of an update, or merged.</param>
/// <param name="Round">The round.</param>
/// <param name="Cell">Index of the cell.</param>
/// <param name="Miner">Who sent it.</param>
internal readonly record struct CellKey(FrameKind Kind, long Round, int Cell, string Miner);
