namespace IotaOrleans.Grains.Views;

/// <summary>Where the decisions of runs are kept for good, in the order in which they were taken.</summary>
public interface IRunJournal
{
    /// <summary>Adds events; they are kept when the task completes. One with a number that is there already is passed over.</summary>
    /// <param name="run">The run.</param>
    /// <param name="events">Its events, with their numbers.</param>
    /// <param name="cancellationToken">Stops it.</param>
    Task AppendAsync(string run, IReadOnlyCollection<RunEvent> events, CancellationToken cancellationToken = default);

    /// <summary>All events of a run, in the order of their numbers.</summary>
    Task<IReadOnlyList<RunEvent>> ReadAsync(string run, CancellationToken cancellationToken = default);
}
