namespace IotaOrleans.Protocol.Schedules;

/// <summary>What is wrong with a set of programs.</summary>
public enum ScheduleFault
{
    /// <summary>A pass that the step needs is in no program.</summary>
    Missing,

    /// <summary>A pass is there twice, or a backward pass both whole and split.</summary>
    Repeated,

    /// <summary>An instruction that is no pass of the step, or of a micro-batch or chunk that does not exist.</summary>
    Foreign,

    /// <summary>A pass stands before one of its own rank's that it needs: it would wait for ever.</summary>
    OutOfOrder,

    /// <summary>Ranks wait for each other in a circle.</summary>
    Deadlock,

    /// <summary>More activations are alive than the schedule allows.</summary>
    TooManyLive,
}

/// <summary>Why a set of programs is not a legal step.</summary>
/// <param name="Fault">The kind of fault.</param>
/// <param name="Rank">The rank whose program shows it.</param>
/// <param name="Index">Position in that program; its length for a pass that is missing.</param>
/// <param name="Op">The instruction there, or the one that is missing.</param>
/// <param name="Reason">The rest of the story, for a person.</param>
public sealed record ScheduleFinding(ScheduleFault Fault, int Rank, int Index, StageOp Op, string Reason)
{
    /// <summary>One line.</summary>
    public override string ToString() => $"rank {Rank}, pass {Index} ({Op}): {Reason}";
}
