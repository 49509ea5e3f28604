using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// Runs a schedule in logical time: each rank does one pass at a time in its program's order, as soon as the inputs have arrived.
/// </summary>
public static class ScheduleSimulator
{
    /// <summary>Simulates a step of pieces that all cost the same.</summary>
    /// <inheritdoc cref="Run(ImmutableArray{ImmutableArray{StageOp}}, Func{int, ScheduleCosts}, bool)"/>
    public static ScheduleTimeline Run(ImmutableArray<ImmutableArray<StageOp>> programs, ScheduleCosts costs, bool overlapsSteps = false) => Run(programs, _ => costs, overlapsSteps);

    /// <summary>Simulates a step.</summary>
    /// <param name="programs">The passes of each rank, in rank order.</param>
    /// <param name="costs">The costs of each model piece; communication is that of what leaves the piece.</param>
    /// <param name="overlapsSteps">Whether ranks begin the next step before others have ended this one; see <see cref="PipelineSchedule.OverlapsSteps"/>.</param>
    /// <exception cref="ArgumentException">The programs do not make up a step; <see cref="ScheduleValidator"/> says why.</exception>
    public static ScheduleTimeline Run(ImmutableArray<ImmutableArray<StageOp>> programs, Func<int, ScheduleCosts> costs, bool overlapsSteps = false)
    {
        var all = programs.SelectMany(program => program).ToArray();
        if (all.Length == 0)
        {
            throw new ArgumentException("there is no pass to simulate", nameof(programs));
        }

        var flow = new PipelineFlow(programs, all.Max(op => op.MicroBatch) + 1, all.Max(op => op.Chunk) + 1);
        ScheduleCosts[] pieces = [.. Enumerable.Range(0, flow.Pieces).Select(costs)];
        var free = new double[programs.Length];
        var timelines = Array.ConvertAll([.. programs], program => ImmutableArray.CreateBuilder<TimedOp>(program.Length));
        flow.Run(
            (rank, op, ready) =>
            {
                var start = Math.Max(free[rank], ready);
                free[rank] = start + pieces[flow.PieceOf(rank, op)].Of(op.Kind);
                timelines[rank].Add(new TimedOp(op, start, free[rank]));
                return free[rank];
            },
            piece => pieces[piece].Communication);

        var stuck = Enumerable.Range(0, programs.Length).FirstOrDefault(rank => flow.Next[rank] < programs[rank].Length, -1);
        if (stuck >= 0)
        {
            throw new ArgumentException($"rank {stuck} waits for ever at {programs[stuck][flow.Next[stuck]]}", nameof(programs));
        }

        var makespan = free.Max();
        var period = overlapsSteps ? Period(timelines, makespan) : makespan;
        return new ScheduleTimeline([.. timelines.Select((ops, rank) => Rank(rank, ops.MoveToImmutable(), period, op => pieces[flow.PieceOf(rank, op)].Of(op.Kind)))], makespan, period);
    }

    /// <summary>
    /// When every step is like this one, it begins anew as soon as each rank has ended its own, and before backward passes the gradients of all
    /// must have been validated.
    /// </summary>
    private static double Period(ImmutableArray<TimedOp>.Builder[] timelines, double makespan) => Math.Max(
        timelines.Max(ops => ops[^1].End - ops[0].Start),
        makespan - timelines.Min(ops => ops.First(timed => timed.Op.Kind != StageOpKind.Forward).Start));

    private static RankTimeline Rank(int rank, ImmutableArray<TimedOp> ops, double period, Func<StageOp, double> cost)
    {
        var (busy, live, peak) = (0d, 0, 0);
        foreach (var timed in ops)
        {
            busy += cost(timed.Op);
            live += ScheduleValidator.Live(timed.Op);
            peak = Math.Max(peak, live);
        }

        return new RankTimeline(rank, ops, busy, period - busy, peak);
    }
}
