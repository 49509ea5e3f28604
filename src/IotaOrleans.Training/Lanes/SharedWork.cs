namespace IotaOrleans.Training.Lanes;

/// <summary>
/// Work that nobody waits for, of all lanes that share it: a lane with no job of its own takes the oldest, so that none rests while
/// another is behind.
/// </summary>
public sealed class SharedWork
{
    private readonly Lock _lock = new();
    private readonly List<Task> _offered = [];
    private readonly List<ComputeLane> _resting = [];
    private int _lanes;

    /// <summary>Whether there is anybody else to do it.</summary>
    public bool HasHelpers => Volatile.Read(ref _lanes) > 1;

    /// <summary>Offers work to whichever lane has nothing else to do, at once if one rests.</summary>
    /// <param name="work">A task that was not started. Who offers it waits for it, or withdraws it and runs it itself.</param>
    public void Offer(Task work)
    {
        ComputeLane? called = null;
        lock (_lock)
        {
            _offered.Add(work);
            if (_resting.Count > 0)
            {
                called = _resting[^1];
                _resting.RemoveAt(_resting.Count - 1);
            }
        }

        // A lane looks for work before it rests: any job makes it look again.
        called?.TryPost(static () => { });
    }

    /// <summary>Takes an offer back.</summary>
    /// <returns>False when a lane runs it, or has run it.</returns>
    public bool TryWithdraw(Task work)
    {
        lock (_lock)
        {
            return _offered.Remove(work);
        }
    }

    /// <summary>Another lane shares its work.</summary>
    internal void Join() => Interlocked.Increment(ref _lanes);

    /// <summary>The oldest offer; without one, the lane counts as resting until <see cref="Leave"/>.</summary>
    internal Task? TakeOrRest(ComputeLane lane)
    {
        lock (_lock)
        {
            if (_offered.Count == 0)
            {
                _resting.Add(lane);
                return null;
            }

            var oldest = _offered[0];
            _offered.RemoveAt(0);
            return oldest;
        }
    }

    /// <summary>The lane takes no more work.</summary>
    internal void End(ComputeLane lane)
    {
        Leave(lane);
        Interlocked.Decrement(ref _lanes);
    }

    /// <summary>The lane has a job of its own.</summary>
    internal void Leave(ComputeLane lane)
    {
        lock (_lock)
        {
            _resting.Remove(lane);
        }
    }
}
