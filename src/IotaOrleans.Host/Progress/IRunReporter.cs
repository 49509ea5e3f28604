namespace IotaOrleans.Host.Progress;

/// <summary>Tells the person, or the script, in front of the program what a run does.</summary>
internal interface IRunReporter : IAsyncDisposable
{
    /// <summary>States a fact about the run before it starts, for example which data it learns from.</summary>
    void Fact(string subject, string text);

    /// <summary>Says what is being waited for; null when nothing is any more. Shown in passing or not at all.</summary>
    void Waiting(string? activity);

    /// <summary>Says something that should not be missed.</summary>
    void Notice(string message);

    /// <summary>The process is about to end in the middle of things: leaves the terminal as it was found.</summary>
    void Abandon();

    /// <summary>An event of an earlier session of the run, for curves and sums.</summary>
    void Recall(RunEvent happened);

    /// <summary>An event of this session.</summary>
    Task ReportAsync(RunEvent happened);

    /// <summary>The end of the session; nothing follows.</summary>
    Task EndAsync(RunEnding ending);
}

/// <summary>How a session ended.</summary>
/// <param name="Event">Its last event.</param>
/// <param name="Sample">A text that the trained model wrote, or null.</param>
/// <param name="ResumeCommand">The command line that continues the run, or null when it is complete.</param>
internal sealed record RunEnding(RunEvent Event, string? Sample, string? ResumeCommand);
