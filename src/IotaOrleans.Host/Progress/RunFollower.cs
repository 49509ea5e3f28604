namespace IotaOrleans.Host.Progress;

/// <summary>Reads a run's events as they happen, by long polls.</summary>
internal sealed class RunFollower(IRunViewGrain view, IRunReporter reporter)
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
                reporter.Recall(happened);
            }

            _last = events[^1].Number;
        }
    }

    /// <summary>Reports events until one ends the session, and returns that one.</summary>
    public async Task<RunEvent> FollowAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var happened in await view.GetEventsAsync(_last, Patience).WaitAsync(cancellationToken))
            {
                _last = happened.Number;
                await reporter.ReportAsync(happened);
                if (happened is RunFinished or RunInterrupted or RunFailed)
                {
                    return happened;
                }
            }
        }
    }
}
