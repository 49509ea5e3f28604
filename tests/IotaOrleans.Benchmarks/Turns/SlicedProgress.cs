namespace IotaOrleans.Benchmarks.Turns;

/// <summary>
/// What a program had done and when, while it was let run in slices of time. A slice is measured from its first mark to its last one: a step that a
/// stop cuts in two ends with cold caches. Where a slice has hardly a mark, the program is taken to have worked evenly between two of them.
/// </summary>
internal sealed class SlicedProgress
{
    private const int EnoughMarks = 3;

    private readonly Lock _lock = new();
    private readonly List<(DateTimeOffset Begin, DateTimeOffset End)> _slices = [];
    private readonly List<(DateTimeOffset At, double Done)> _marks = [];

    /// <summary>Whether something was done at this time or later.</summary>
    public bool WentOnAfter(DateTimeOffset at)
    {
        lock (_lock)
        {
            return _marks.Count > 0 && _marks[^1].At >= at;
        }
    }

    /// <summary>Whether so much is done.</summary>
    public bool HasDone(double done)
    {
        lock (_lock)
        {
            return _marks.Count > 0 && _marks[^1].Done >= done;
        }
    }

    /// <summary>The program was let run in this time; the slices come in order and do not overlap.</summary>
    public void Ran(DateTimeOffset begin, DateTimeOffset end)
    {
        lock (_lock)
        {
            _slices.Add((begin, end));
        }
    }

    /// <summary>At this time the program had done so much; marks come in order.</summary>
    public void Mark(DateTimeOffset at, double done)
    {
        lock (_lock)
        {
            _marks.Add((at, done));
        }
    }

    /// <summary>What was done per second of a slice.</summary>
    /// <exception cref="InvalidOperationException">There is no mark before the slice, or none after it.</exception>
    public double Rate(int slice)
    {
        lock (_lock)
        {
            var (begin, end) = _slices[slice];
            var within = _marks.FindAll(mark => mark.At >= begin && mark.At <= end);
            if (within.Count >= EnoughMarks)
            {
                return (within[^1].Done - within[0].Done) / (within[^1].At - within[0].At).TotalSeconds;
            }

            var (from, to) = (Active(begin), Active(end));
            return (Done(to) - Done(from)) / (to - from).TotalSeconds;
        }
    }

    // How long the program had been let run at that time.
    private TimeSpan Active(DateTimeOffset at) => _slices
        .TakeWhile(slice => slice.Begin < at)
        .Aggregate(TimeSpan.Zero, (sum, slice) => sum + ((slice.End < at ? slice.End : at) - slice.Begin));

    private double Done(TimeSpan active)
    {
        var after = _marks.FindIndex(mark => Active(mark.At) >= active);
        if (after < 1)
        {
            throw new InvalidOperationException(after == 0 ? "nothing was done before the slice" : "nothing was done after the slice");
        }

        var ((left, before), (right, reached)) = ((Active(_marks[after - 1].At), _marks[after - 1].Done), (Active(_marks[after].At), _marks[after].Done));
        return right == left ? reached : before + ((reached - before) * ((active - left) / (right - left)));
    }
}
