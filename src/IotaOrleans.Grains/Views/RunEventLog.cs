using System.Collections.Immutable;

namespace IotaOrleans.Grains.Views;

/// <summary>The newest events of a run, numbered, with a signal for those who wait for more. For one thread at a time, but for <see cref="Close"/>.</summary>
internal sealed class RunEventLog(int capacity, long lastNumber)
{
    private readonly Queue<RunEvent> _events = new();
    private readonly TaskCompletionSource _closed = NewSignal();
    private TaskCompletionSource _arrival = NewSignal();

    /// <summary>Number of the last event.</summary>
    public long LastNumber { get; private set; } = lastNumber;

    /// <summary>Whether the log closed: nobody should wait here any more.</summary>
    public bool Closed => _closed.Task.IsCompleted;

    /// <summary>Waits for the next event, for the log to close, or for the time to run out.</summary>
    public async Task WaitAsync(TimeSpan patience, TimeProvider time)
    {
        try
        {
            await Task.WhenAny(_arrival.Task, _closed.Task).WaitAsync(patience, time);
        }
        catch (TimeoutException)
        {
            // The caller looks for itself what there is.
        }
    }

    /// <summary>Gives the event the next number and keeps it; the oldest one goes when the log is full.</summary>
    public RunEvent Append(RunEvent @event)
    {
        @event = @event with { Number = ++LastNumber };
        _events.Enqueue(@event);
        if (_events.Count > capacity)
        {
            _events.Dequeue();
        }

        return @event;
    }

    /// <summary>Wakes those who wait.</summary>
    public void Announce()
    {
        var arrived = _arrival;
        _arrival = NewSignal();
        arrived.SetResult();
    }

    /// <summary>Wakes those who wait, for good. May be called from any thread.</summary>
    public void Close() => _closed.TrySetResult();

    /// <summary>Kept events with a number above <paramref name="after"/>, oldest first.</summary>
    public ImmutableArray<RunEvent> Read(long after, int maximum)
    {
        // Numbers of kept events have no gaps, so the position follows from the number.
        var first = LastNumber - _events.Count;
        var skip = (int)Math.Clamp(after - first, 0, _events.Count);
        return [.. _events.Skip(skip).Take(maximum)];
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
