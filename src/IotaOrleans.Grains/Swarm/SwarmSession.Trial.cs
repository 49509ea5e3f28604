namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// The first steps are a trial: nobody that a session begins with has been checked, and what they learn from each other may be worth nothing.
/// When a first check shows one of them to be false, all of them are checked once, and then the session gives way to another one that
/// begins at the same point without those that are gone. Later there is a checkpoint to lose, and a stranger must not be able to take the
/// work of others back: who joins meanwhile, or cheats after its first check, is only sent away.
/// </summary>
internal sealed partial class SwarmSession
{
    private const int LongestTrial = 100;

    private readonly HashSet<string> _onTrial;
    private readonly long _firstStep;
    private readonly Action<SwarmSession, string> _beginAnew;
    private readonly List<string> _false = [];
    private bool _gaveWay;

    private bool IsTrial => Checks && Active && !_recorder.IsOver && !_stopping && _ending is null && _recorder.CheckpointStep == _firstStep && _completedStep - _firstStep <= LongestTrial;

    /// <summary>Whether what is learnt now will be given up. A checkpoint that was under way when that showed may have come in between: then it will not.</summary>
    private bool MustBeginAnew => _false.Count > 0 && IsTrial;

    /// <summary>Ends the session without an end of the run.</summary>
    /// <returns>What the one that follows begins with.</returns>
    public async Task<TrainingRunState> GiveWayAsync()
    {
        _gaveWay = true;
        _awaited?.Keep(_ => false);
        var state = await _recorder.GiveWayAsync(after: _milestones);
        return state with { Specification = state.Specification with { Miners = _members.Stages } };
    }

    /// <summary>Whether a miner that was found to be wrong is about to be sent away: its penalty is being stored.</summary>
    private bool IsLeaving(string miner) => IsMember(miner) && _members.Stages[StageOf(miner)].Length > 1;

    /// <summary>A miner was checked for the first time, or is gone before it was.</summary>
    private void EndTrialOf(string miner, bool isFalse)
    {
        if (_onTrial.Remove(miner) && isFalse && IsTrial)
        {
            _false.Add(miner);
        }

        EndTrialWhenDone();
    }

    private void EndTrialWhenDone()
    {
        if (MustBeginAnew && (!(_onTrial.Any(IsMember) || _convicted.Any(IsLeaving)) || _completedStep - _firstStep == LongestTrial))
        {
            var without = string.Join(", ", _false.Order(StringComparer.Ordinal));
            _false.Clear();
            _beginAnew(this, $"anew without {without}: what the first {_completedStep - _firstStep} steps had learnt may have come from there");
        }
    }
}
