using Spectre.Console;

namespace IotaOrleans.Host.Progress;

/// <summary>A line now and then, for logs and pipes.</summary>
internal sealed class PlainReporter(IAnsiConsole console, TextWriter messages, int? logInterval, bool quiet) : IRunReporter
{
    private readonly RunProgress _progress = new();

    public void Fact(string subject, string text)
    {
        if (!quiet)
        {
            console.Profile.Out.Writer.WriteLine($"{subject,-11}{text}");
        }
    }

    public void Waiting(string? activity)
    {
    }

    public void Notice(string message) => messages.WriteLine(message);

    public void Abandon()
    {
    }

    public void Recall(RunEvent happened) => _progress.Apply(happened);

    public Task ReportAsync(RunEvent happened)
    {
        _progress.Apply(happened);
        if (!quiet && Line(happened) is { } line)
        {
            console.Profile.Out.Writer.WriteLine(line);
        }

        return Task.CompletedTask;
    }

    public Task EndAsync(RunEnding ending)
    {
        RunSummary.Write(console, _progress, ending);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string? Line(RunEvent happened) => happened switch
    {
        RunStarted started => $"{"started",-11}at step {Figures.Count(started.Step)} of {Figures.Count(started.Steps)}{(started.Reason is { } reason ? $", {reason}" : "")}",
        StepCompleted step when IsDue(step.Step) => StepLine(step),
        EvaluationCompleted evaluation => $"{"evaluation",-11}{Position(evaluation.Step)}  validation loss {Figures.Loss(evaluation.ValidationLoss)}",
        CheckpointWritten checkpoint => $"{"checkpoint",-11}{Position(checkpoint.Step)}  {Figures.Place(checkpoint.Checkpoint)}",
        CheckpointFailed failed => $"{"checkpoint",-11}{Position(failed.Step)}  none, training goes on: {failed.Reason}",
        CheckpointDamaged damaged => $"{"checkpoint",-11}{Position(damaged.Step)}  passed over: {damaged.Reason}",
        EpochClosed epoch => $"{"epoch",-11}{Position(epoch.Step)}  " + string.Join(", ", epoch.Settlement.Payslips.Select(slip => $"{slip.Miner} {Figures.Count(slip.Paid)}")),
        MembersChanged changed => $"{"members",-11}{Position(changed.Step)}  {changed.Miner} {changed.Change.ToString().ToLowerInvariant()}, stage {changed.Stage}: {changed.Reason}",
        StageMerged { Report: { Outcome.Kind: not MergeOutcomeKind.Merged } or { Faulty.IsEmpty: false } } merged => $"{"merge",-11}{Position(merged.Step)}  {MergeLine(merged.Report)}",
        SegmentAudited { Verdict.Outcome: not AuditOutcome.Passed } audited => $"{"audit",-11}{Position(audited.Step)}  {audited.Verdict.Shard.Miner}, stage {audited.Verdict.Shard.Stage}: {audited.Verdict.Outcome.ToString().ToLowerInvariant()}, {audited.Verdict.Finding}",
        MinerSuspected suspected => $"{"suspicion",-11}{Position(suspected.Step)}  {suspected.Miner}, stage {suspected.Stage}, {suspected.Reason}",
        _ => null,
    };

    private static string MergeLine(MergeReport report) => $"stage {report.Merge.Stage}, round {report.Merge.Round}: {report.Outcome.Kind}"
        + (report.Outcome.Reason is { } reason ? $", {reason}" : "")
        + (report.Faulty.IsEmpty ? "" : $"; {string.Join(", ", report.Faulty)} reduced wrongly");

    private bool IsDue(long step) => step == _progress.Steps || step % (logInterval ?? Math.Max(1, _progress.Steps / 20)) == 0;

    private string StepLine(StepCompleted step)
    {
        var remaining = _progress.SecondsRemaining is { } seconds ? $"  {Figures.Duration(seconds)} left" : "";
        return $"{"step",-11}{Position(step.Step)}  loss {Figures.Loss(step.Loss)}  learning rate {Figures.Rate(step.LearningRate)}  "
            + $"{Figures.Speed(step.TokensPerSecond)}{remaining}";
    }

    private string Position(long step)
    {
        var steps = Figures.Count(_progress.Steps);
        return $"{Figures.Count(step).PadLeft(steps.Length)}/{steps}";
    }
}
