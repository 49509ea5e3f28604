using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Runs;

namespace IotaOrleans.Host.Status;

/// <summary>Keeps a run's status file up to date, at most once a second while it trains.</summary>
internal sealed class StatusRecorder(RunFolder folder, Uri? page, Func<string?> warning, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private long _written;

    /// <summary>Records where the run stands.</summary>
    /// <param name="phase">What it is doing.</param>
    /// <param name="progress">What is known of it.</param>
    /// <param name="always">Whether to write even when the last time was a moment ago.</param>
    public void Record(RunPhase phase, RunProgress progress, bool always)
    {
        if (!always && _written != 0 && time.GetElapsedTime(_written) < Interval)
        {
            return;
        }

        _written = time.GetTimestamp();
        try
        {
            Status(phase, progress).Write(folder);
        }
        catch (IotaException)
        {
            // The status is a convenience; the run itself reports a disk that cannot be written. Perhaps there is room the next time.
        }
    }

    private RunStatus Status(RunPhase phase, RunProgress progress) => new()
    {
        Run = folder.Name,
        Phase = phase,
        Process = Environment.ProcessId,
        Step = progress.Step,
        Steps = progress.Steps,
        Loss = progress.Loss,
        ValidationLoss = progress.Validation?.Loss,
        TokensPerSecond = progress.TokensPerSecond,
        Checkpoint = progress.Checkpoint,
        Page = page?.ToString(),
        Failure = (progress.End as RunFailed)?.Failure,
        Warning = warning() ?? (progress.CheckpointFailure is { } failure ? $"the last checkpoint failed, training goes on: {failure}" : null),
        UpdatedAt = time.GetUtcNow(),
    };
}
