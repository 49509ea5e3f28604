using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>A pass with its place in time.</summary>
/// <param name="Op">The pass.</param>
/// <param name="Start">When it began.</param>
/// <param name="End">When it was done.</param>
public readonly record struct TimedOp(StageOp Op, double Start, double End);

/// <summary>One rank's step.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="Ops">Its passes, in time order.</param>
/// <param name="Busy">Time spent on passes.</param>
/// <param name="Idle">The rest of the period, before, between and after the passes.</param>
/// <param name="PeakLive">
/// The most activations alive at once: forwarded, weights' gradient not yet done. Each chunk's count for one, though it is only a part of the rank's.
/// </param>
public sealed record RankTimeline(int Rank, ImmutableArray<TimedOp> Ops, double Busy, double Idle, int PeakLive)
{
    /// <summary>Idle time as a share of the period.</summary>
    public double BubbleShare => Busy + Idle > 0 ? Idle / (Busy + Idle) : 0;
}

/// <summary>A whole step, rank by rank.</summary>
/// <param name="Ranks">Every rank's step, in rank order.</param>
/// <param name="Makespan">From the first pass's start to the last one's end, anywhere.</param>
/// <param name="Period">From a step's beginning to the next one's: the makespan, or less when a rank begins the next step before others have ended this one.</param>
public sealed record ScheduleTimeline(ImmutableArray<RankTimeline> Ranks, double Makespan, double Period)
{
    /// <summary>Mean idle time of a rank.</summary>
    public double Idle => Ranks.Average(rank => rank.Idle);

    /// <summary>Idle time of all ranks as a share of their time: (period − busy) / period.</summary>
    public double BubbleShare => Period > 0 ? Idle / Period : 0;

    /// <summary>The most activations alive at once on any rank.</summary>
    public int PeakLive => Ranks.Max(rank => rank.PeakLive);
}
