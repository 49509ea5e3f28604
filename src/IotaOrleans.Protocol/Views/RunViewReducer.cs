using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Views;

/// <summary>Builds a run's read model from its events; the same events give the same view, whoever replays them.</summary>
public static class RunViewReducer
{
    /// <summary>Most settled epochs that a view keeps.</summary>
    public const int MaximumEpochs = 100;

    // Single steps are noisy: the view shows about the last twenty.
    private const double BubbleSmoothing = 0.1;

    /// <summary>The view after an event.</summary>
    /// <param name="view">The view before it, or null when nothing was published yet.</param>
    /// <param name="run">The run.</param>
    /// <param name="phase">The run's phase after the event.</param>
    /// <param name="event">What happened.</param>
    public static RunView Apply(RunView? view, string run, RunPhase phase, RunEvent @event)
    {
        view = Apply(view, run, phase, @event.At);
        view = @event switch
        {
            RunStarted started => Start(view, started),
            StepCompleted step => Advance(view, step),
            EvaluationCompleted evaluation => WithValidationLoss(view, evaluation.Step, evaluation.ValidationLoss),
            CheckpointWritten checkpoint => view with { Checkpoint = checkpoint.Checkpoint },
            EpochClosed closed => Settle(view, closed.Settlement),
            MembersChanged changed => view with { Stages = changed.Stages },
            RunFinished finished => Finish(view, finished),
            RunInterrupted interrupted => view with { Checkpoint = interrupted.Checkpoint ?? view.Checkpoint },
            RunFailed failed => view with { Checkpoint = failed.Checkpoint ?? view.Checkpoint, Failure = failed.Failure },
            _ => view,
        };
        // A start or a step may go back to a checkpoint; other news can be late and must not.
        var last = @event is RunStarted or StepCompleted ? @event.Step : Math.Max(view.Step, @event.Step);
        view = view with { Step = last, Tokens = last * view.TokensPerStep, LastEvent = Math.Max(view.LastEvent, @event.Number) };
        return view with { SecondsRemaining = SecondsRemaining(view) };
    }

    /// <summary>The view after a change of phase without an event.</summary>
    public static RunView Apply(RunView? view, string run, RunPhase phase, DateTimeOffset at)
    {
        view = (view ?? new RunView { Run = run }) with { Phase = phase, UpdatedAt = at };
        return view with { SecondsRemaining = SecondsRemaining(view) };
    }

    private static RunView Start(RunView view, RunStarted started) => view with
    {
        Steps = started.Steps,
        Parameters = started.Parameters,
        TokensPerStep = started.TokensPerStep,
        Stages = started.Stages,
        TokensPerSecond = 0,
        Bubble = 0,
        ScheduledBubble = 0,
        Losses = LossCurve.Truncate(view.Losses, started.Step),
        ValidationLosses = LossCurve.Truncate(view.ValidationLosses, started.Step),
        Failure = null,
    };

    private static RunView Advance(RunView view, StepCompleted step) => view with
    {
        Loss = step.Loss,
        TokensPerSecond = step.TokensPerSecond,
        Bubble = Smooth(view.Bubble, step.Bubble),
        ScheduledBubble = Smooth(view.ScheduledBubble, step.ScheduledBubble),
        Losses = LossCurve.Add(view.Losses, new LossPoint(step.Step, step.Loss)),
        ValidationLosses = LossCurve.Truncate(view.ValidationLosses, step.Step),
        Stages = [.. view.Stages.Select((stage, index) => index < step.BusyShares.Length ? stage with { BusyShare = step.BusyShares[index] } : stage)],
    };

    private static double Smooth(double before, double now) => before == 0 ? now : before + (BubbleSmoothing * (now - before));

    private static RunView WithValidationLoss(RunView view, long step, double loss) => view with
    {
        ValidationLoss = loss,
        ValidationLosses = LossCurve.Add(view.ValidationLosses, new LossPoint(step, loss)),
    };

    private static RunView Settle(RunView view, EpochSettlement settlement)
    {
        // Epochs close in order and once: a number that is not above the last one was seen before.
        if (view.Epochs.Length > 0 && settlement.Epoch <= view.Epochs[^1].Epoch)
        {
            return view;
        }

        var epochs = view.Epochs.Add(settlement);
        return view with
        {
            Epoch = settlement.Epoch + 1,
            Epochs = epochs.Length > MaximumEpochs ? epochs[^MaximumEpochs..] : epochs,
            Rewards = settlement.Payslips.Aggregate(view.Rewards, AddReward),
        };
    }

    private static ImmutableArray<MinerReward> AddReward(ImmutableArray<MinerReward> rewards, Payslip payslip)
    {
        for (var i = 0; i < rewards.Length; i++)
        {
            if (rewards[i].Miner == payslip.Miner && rewards[i].Stage == payslip.Stage)
            {
                return rewards.SetItem(i, rewards[i] with
                {
                    BackwardPasses = rewards[i].BackwardPasses + payslip.BackwardPasses,
                    Tokens = rewards[i].Tokens + payslip.Tokens,
                    Paid = rewards[i].Paid + payslip.Paid,
                });
            }
        }

        return rewards.Add(new MinerReward(payslip.Miner, payslip.Stage, payslip.BackwardPasses, payslip.Tokens, payslip.Paid));
    }

    private static RunView Finish(RunView view, RunFinished finished) =>
        WithValidationLoss(view, finished.Step, finished.ValidationLoss) with
        {
            TokensPerSecond = finished.TokensPerSecond,
            Checkpoint = finished.Checkpoint,
            Rewards = finished.Rewards,
        };

    private static double? SecondsRemaining(RunView view) => view.Phase switch
    {
        RunPhase.Finished => 0,
        RunPhase.Training when view.TokensPerSecond > 0 => Math.Max(0, view.Steps - view.Step) * view.TokensPerStep / view.TokensPerSecond,
        _ => null,
    };
}
