namespace IotaOrleans.Protocol.Swarm;

/// <summary>
/// The time in which this process runs: while it is stopped, or its machine sleeps, nothing is late. Whoever owns it lets it tick; a gap
/// of several intervals was such a stop. Safe from any thread.
/// </summary>
/// <param name="time">Where time comes from.</param>
/// <param name="interval">Time between two ticks.</param>
public sealed class RunningClock(TimeProvider time, TimeSpan interval)
{
    // A busy machine is late with a tick now and then.
    private const int IntervalsOfAStop = 3;
    private readonly Lock _lock = new();
    private readonly long _started = time.GetTimestamp();
    private TimeSpan _lastTick;
    private TimeSpan _stopped;

    /// <summary>Time since the clock was made, without stops.</summary>
    public TimeSpan Now
    {
        get
        {
            lock (_lock)
            {
                return time.GetElapsedTime(_started) - _stopped;
            }
        }
    }

    /// <summary>The process runs.</summary>
    public void Tick()
    {
        lock (_lock)
        {
            var now = time.GetElapsedTime(_started);
            var gap = now - _lastTick;
            if (gap > IntervalsOfAStop * interval)
            {
                _stopped += gap - interval;
            }

            _lastTick = now;
        }
    }
}
