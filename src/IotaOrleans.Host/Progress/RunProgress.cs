using System.Collections.Immutable;

namespace IotaOrleans.Host.Progress;

/// <summary>What is known of a run from its events so far.</summary>
internal sealed class RunProgress
{
    private const double Smoothing = 0.95;
    private const double BubbleSmoothing = 0.1;
    private const int MostPoints = 512;

    private readonly SortedDictionary<string, MinerReward> _rewards = new(StringComparer.Ordinal);
    private readonly HashSet<int> _settled = [];
    private readonly List<LossPoint> _losses = [];
    private double _sum;
    private double _weight;
    private long _stride = 1;

    public string Run { get; private set; } = "";

    public long Step { get; private set; }

    public long Steps { get; private set; }

    public long Parameters { get; private set; }

    public long TokensPerStep { get; private set; }

    public double? Loss { get; private set; }

    public double? GradientNorm { get; private set; }

    public double LearningRate { get; private set; }

    public double TokensPerSecond { get; private set; }

    /// <summary>Share of the last twenty steps or so in which the miners idled.</summary>
    public double Bubble { get; private set; }

    /// <summary>The share that the schedule's formula gives for passes as long as they were.</summary>
    public double ScheduledBubble { get; private set; }

    public LossPoint? Validation { get; private set; }

    public string? Checkpoint { get; private set; }

    /// <summary>Why there is no newer checkpoint though one was due, or null.</summary>
    public string? CheckpointFailure { get; private set; }

    public EpochSettlement? Epoch { get; private set; }

    public ImmutableArray<StageView> Stages { get; private set; } = [];

    /// <summary>The event that ended the session, or null while it goes on.</summary>
    public RunEvent? End { get; private set; }

    /// <summary>Training loss over the run, thinned to at most 512 points.</summary>
    public IReadOnlyList<LossPoint> Losses => _losses;

    /// <summary>What each miner earned in the epochs seen.</summary>
    public IEnumerable<MinerReward> Rewards => _rewards.Values;

    /// <summary>Exponential moving average of the training loss, unbiased from the first step on (Kingma and Ba, 2015).</summary>
    public double? SmoothedLoss => _weight > 0 ? _sum / _weight : null;

    public double? SecondsRemaining =>
        TokensPerSecond > 0 && Steps >= Step ? (Steps - Step) * TokensPerStep / TokensPerSecond : null;

    public void Apply(RunEvent happened)
    {
        Step = Math.Max(Step, happened.Step);
        switch (happened)
        {
            case RunStarted started:
                (Run, Steps, Parameters, TokensPerStep, Stages) =
                    (started.Run, started.Steps, started.Parameters, started.TokensPerStep, started.Stages);
                (Step, End, Bubble, ScheduledBubble, CheckpointFailure) = (started.Step, null, 0, 0, null);
                break;
            case StepCompleted step:
                Apply(step);
                break;
            case EvaluationCompleted evaluation:
                Validation = new LossPoint(evaluation.Step, evaluation.ValidationLoss);
                break;
            case CheckpointWritten checkpoint:
                (Checkpoint, CheckpointFailure) = (checkpoint.Checkpoint, null);
                break;
            case CheckpointFailed failed:
                CheckpointFailure = failed.Reason;
                break;
            case EpochClosed epoch:
                Apply(epoch.Settlement);
                break;
            case MembersChanged changed:
                Stages = changed.Stages;
                break;
            case RunFinished finished:
                (End, Checkpoint, Validation) = (finished, finished.Checkpoint, new LossPoint(finished.Step, finished.ValidationLoss));
                break;
            case RunInterrupted interrupted:
                (End, Checkpoint) = (interrupted, interrupted.Checkpoint ?? Checkpoint);
                break;
            case RunFailed failed:
                (End, Checkpoint) = (failed, failed.Checkpoint ?? Checkpoint);
                break;
        }
    }

    private void Apply(StepCompleted step)
    {
        (Loss, GradientNorm, LearningRate, TokensPerSecond) = (step.Loss, step.GradientNorm, step.LearningRate, step.TokensPerSecond);
        (Bubble, ScheduledBubble) = (Smooth(Bubble, step.Bubble), Smooth(ScheduledBubble, step.ScheduledBubble));
        if (double.IsFinite(step.Loss))
        {
            _sum = (Smoothing * _sum) + ((1 - Smoothing) * step.Loss);
            _weight = (Smoothing * _weight) + (1 - Smoothing);
            Remember(new LossPoint(step.Step, step.Loss));
        }

        if (step.BusyShares.Length == Stages.Length)
        {
            Stages = [.. Stages.Select((stage, index) => stage with { BusyShare = step.BusyShares[index] })];
        }
    }

    private static double Smooth(double before, double now) => before == 0 ? now : before + (BubbleSmoothing * (now - before));

    private void Remember(LossPoint point)
    {
        if (point.Step % _stride != 0)
        {
            return;
        }

        _losses.Add(point);
        if (_losses.Count > MostPoints)
        {
            _stride *= 2;
            _losses.RemoveAll(old => old.Step % _stride != 0);
        }
    }

    private void Apply(EpochSettlement settlement)
    {
        Epoch = settlement;
        if (!_settled.Add(settlement.Epoch))
        {
            // A session that begins before the end of an epoch that was settled tells of it again.
            return;
        }

        foreach (var slip in settlement.Payslips)
        {
            var before = _rewards.GetValueOrDefault(slip.Miner) ?? new MinerReward(slip.Miner, slip.Stage, 0, 0, 0);
            _rewards[slip.Miner] = before with
            {
                Stage = slip.Stage,
                BackwardPasses = before.BackwardPasses + slip.BackwardPasses,
                Tokens = before.Tokens + slip.Tokens,
                Paid = before.Paid + slip.Paid,
            };
        }
    }
}
