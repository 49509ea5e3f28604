using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>
/// A stage's way from training over uploading and merging back to training, as one pure function. Quorums are of living miners, every
/// phase is bounded and its end has a name, and an event that is late, repeated or unknown changes nothing.
/// </summary>
public static partial class StagePhases
{
    /// <summary>Phases that the history keeps.</summary>
    public const int HistoryLength = 64;

    /// <summary>A stage that begins to train and has no miners yet.</summary>
    public static StagePhaseState Begin(DateTimeOffset now, StagePhaseSettings settings) => new()
    {
        Phase = StagePhase.Training,
        Round = 1,
        RoundSince = now,
        Since = now,
        Deadline = now + settings.Training.Ceiling,
    };

    /// <summary>What follows from an event. A deadline that has passed by then takes effect first.</summary>
    /// <param name="state">Where the stage stands.</param>
    /// <param name="happened">What happened.</param>
    /// <param name="now">When; a time before the phase began counts as its begin.</param>
    /// <param name="settings">The stage's settings.</param>
    public static (StagePhaseState State, ImmutableArray<StageEffect> Effects) Next(
        StagePhaseState state, StageEvent happened, DateTimeOffset now, StagePhaseSettings settings)
    {
        var step = new Step(state, now < state.Since ? state.Since : now, settings);
        step.PassTime();
        switch (happened)
        {
            case StageMinerJoined joined:
                step.Join(joined.Miner);
                break;
            case StageMinerLost lost:
                step.Lose(lost.Miner);
                break;
            case StageWorkCounted counted:
                step.CountWork(counted.Miner, counted.Round, counted.Work);
                break;
            case UpdateUploaded uploaded:
                step.Upload(uploaded.Miner, uploaded.Round);
                break;
            case ReductionStarted started:
                step.StartReduction(started.Round);
                break;
            case MergeEnded ended:
                step.EndMerge(ended.Round, ended.Outcome);
                break;
        }

        return (step.State, step.Effects.ToImmutable());
    }

    /// <summary>Living miners that a phase waits for, those that have arrived among them.</summary>
    internal static IEnumerable<StageMember> Expected(StagePhaseState state) => state.Members.Where(member =>
        member.IsLive && (state.Phase == StagePhase.Training || member.ExpectedRound == state.Round));

    /// <summary>Whether a member has done what its phase waits for.</summary>
    internal static bool HasArrived(StagePhaseState state, StageMember member) =>
        (state.Phase == StagePhase.Training ? member.QualifiedRound : member.UploadedRound) == state.Round;

    /// <summary>How many must have arrived at the deadline: the quorum of those who are expected, rounded up, and at least one.</summary>
    internal static int Quorum(int expected, StagePhaseSettings settings) =>
        Math.Max(1, (int)Math.Ceiling((settings.Quorum * expected) - 1e-9));
}
