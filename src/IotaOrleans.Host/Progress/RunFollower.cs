using System.Collections.Immutable;

namespace IotaOrleans.Host.Progress;

/// <summary>Reads a run's events as they happen, by long polls.</summary>
/// <param name="view">The run's view.</param>
/// <param name="progress">Is kept up to date.</param>
/// <param name="reporter">Is told of every event.</param>
internal sealed class RunFollower(IRunViewGrain view, RunProgress progress, IRunReporter reporter)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private long _last;

    /// <summary>Passes over the events of earlier sessions.</summary>
    public async Task CatchUpAsync()
    {
        while (await view.GetEventsAsync(_last, TimeSpan.Zero) is { IsEmpty: false } events)
        {
            foreach (var happened in events)
            {
                progress.Apply(happened);
                reporter.Recall(happened);
            }

            _last = events[^1].Number;
        }
    }

    /// <summary>Reports events until one ends the session, and returns that one.</summary>
    /// <param name="happened">Is called after every event.</param>
    /// <param name="cancellationToken">Stops following.</param>
    public async Task<RunEvent> FollowAsync(Action<RunEvent> happened, CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var next in await NextAsync().WaitAsync(cancellationToken))
            {
                _last = next.Number;
                progress.Apply(next);
                await reporter.ReportAsync(next);
                happened(next);
                if (next is RunFinished or RunInterrupted or RunFailed)
                {
                    return next;
                }
            }
        }
    }

    /// <summary>A call is given up when its time is over, and that passes while a machine sleeps as well: the run goes on, and so does who follows it.</summary>
    private async Task<ImmutableArray<RunEvent>> NextAsync()
    {
        while (true)
        {
            try
            {
                return await view.GetEventsAsync(_last, Patience);
            }
            catch (TimeoutException)
            {
            }
        }
    }
}
