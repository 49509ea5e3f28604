using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Replay;

/// <summary>Rebuilds what the control side of a run remembers from the run's events alone.</summary>
public static class ControlReplay
{
    /// <summary>The state after an event.</summary>
    public static ControlState Apply(ControlState state, RunEvent happened) => happened switch
    {
        RunStarted started => Start(state, started),
        CheckpointWritten { Point: { } point } => state with { Point = point, Stages = [.. state.Stages.Select(stage => stage with { CanonicalStep = point.Step })] },
        EpochClosed closed => state with { Epochs = Settle(state.Epochs, closed.Settlement) },
        RunFinished => state with { Phase = RunPhase.Finished },
        RunInterrupted => state with { Phase = RunPhase.Interrupted },
        RunFailed failed => state with { Phase = RunPhase.Failed, Failure = failed.Failure },
        _ => state,
    };

    /// <summary>
    /// The events up to a step: those before the run passed it for good. A run that was killed goes back to its last checkpoint, and passes a
    /// step more than once.
    /// </summary>
    public static IEnumerable<RunEvent> UpTo(IReadOnlyList<RunEvent> events, long step)
    {
        var last = events.Count - 1;
        while (last >= 0 && events[last].Step > step)
        {
            last--;
        }

        return events.Take(last + 1);
    }

    /// <summary>A session begins at what was stored: whatever came after that is done again.</summary>
    private static ControlState Start(ControlState state, RunStarted started) => state with
    {
        Phase = RunPhase.Training,
        Point = started.Point ?? new RunPoint { Step = started.Step },
        Failure = null,
        Stages = [.. started.Stages.GroupBy(stage => stage.Stage).OrderBy(stage => stage.Key).Select(stage => new StageState(stage.First().Blocks, [.. stage.Select(shard => shard.Miner)], started.Step))],
    };

    /// <summary>An epoch is settled once; whoever asks again is told the same.</summary>
    private static ImmutableArray<EpochSettlement> Settle(ImmutableArray<EpochSettlement> epochs, EpochSettlement settlement) =>
        epochs.Any(epoch => epoch.Epoch == settlement.Epoch) ? epochs : [.. epochs.Add(settlement).OrderBy(epoch => epoch.Epoch)];
}
