using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// A pipeline schedule is data: for each rank the sequence of passes that make up one step. The live cluster follows it,
/// tests check it and drawings show it, all from the same sequence.
/// </summary>
/// <remarks>
/// A rank holds one piece of the model, or, interleaved, several chunks of it: the piece of a rank's chunk is
/// <c>chunk · ranks + rank</c>, so a micro-batch passes over all ranks once per chunk.
/// </remarks>
public static class PipelineSchedule
{
    /// <summary>The passes of one rank in one training step.</summary>
    /// <param name="kind">The schedule.</param>
    /// <param name="rank">The rank, from zero.</param>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="microBatches">Micro-batches per step.</param>
    /// <param name="chunks">Model chunks per rank; more than one only when interleaved.</param>
    /// <exception cref="ArgumentException">The schedule does not exist in this shape; see <see cref="Objection"/>.</exception>
    public static ImmutableArray<StageOp> Train(ScheduleKind kind, int rank, int ranks, int microBatches, int chunks = 1)
    {
        if (Objection(kind, ranks, microBatches, chunks) is { } objection)
        {
            throw new ArgumentException(objection);
        }

        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);

        var split = SplitsBackward(kind);
        var debt = MostOwed(kind, rank, ranks);
        var passes = microBatches * chunks;
        var warmup = LiveBeforeBackward(kind, rank, ranks, microBatches, chunks);
        var ops = ImmutableArray.CreateBuilder<StageOp>((split ? 3 : 2) * passes);
        for (var forward = 0; forward < warmup; forward++)
        {
            ops.Add(Forward(forward, ranks, chunks));
        }

        for (var backward = 0; backward < passes; backward++)
        {
            ops.Add(Backward(split ? StageOpKind.BackwardInput : StageOpKind.Backward, backward, ranks, chunks));

            // Later ranks are some weight passes behind. Their input gradients leave early for it, and what they owe fills the end of the step.
            if (split && backward >= debt)
            {
                ops.Add(new StageOp(StageOpKind.BackwardWeights, backward - debt));
            }

            if (warmup + backward < passes)
            {
                ops.Add(Forward(warmup + backward, ranks, chunks));
            }
        }

        for (var owed = Math.Max(0, passes - debt); split && owed < passes; owed++)
        {
            ops.Add(new StageOp(StageOpKind.BackwardWeights, owed));
        }

        return ops.MoveToImmutable();
    }

    /// <summary>The passes of all ranks, in rank order.</summary>
    /// <exception cref="ArgumentException">The schedule does not exist in this shape; see <see cref="Objection"/>.</exception>
    public static ImmutableArray<ImmutableArray<StageOp>> TrainAll(ScheduleKind kind, int ranks, int microBatches, int chunks = 1) =>
        [.. Enumerable.Range(0, ranks).Select(rank => Train(kind, rank, ranks, microBatches, chunks))];

    /// <summary>Why a schedule does not exist in a shape, as a line for a person, or null when it does.</summary>
    public static string? Objection(ScheduleKind kind, int ranks, int microBatches, int chunks = 1) => kind switch
    {
        _ when !Enum.IsDefined(kind) => $"there is no schedule {kind}",
        _ when ranks < 1 => $"a pipeline of {ranks} ranks cannot be: it needs at least 1",
        _ when microBatches < 1 => $"a step of {microBatches} micro-batches cannot be: it needs at least 1",
        _ when chunks < 1 => $"{chunks} model chunks per rank cannot be: a rank needs at least 1",
        ScheduleKind.Interleaved when microBatches % ranks != 0 =>
            $"the interleaved schedule sends micro-batches in groups of one per rank: {microBatches} do not divide into groups of {ranks}",
        not ScheduleKind.Interleaved when chunks > 1 => $"only the interleaved schedule has {chunks} model chunks per rank",
        _ => null,
    };

    /// <summary>
    /// The most micro-batches, counted once per chunk, that a rank holds activations of: forwarded, and not yet through with the
    /// gradient of their weights.
    /// </summary>
    /// <remarks>
    /// ZB-H1 holds as many on every rank as 1F1B does on rank 0: the peak over all ranks, which decides whether a model fits, is
    /// the same (Qi et al., 2023, section 2.1). Fewer on the later ranks would leave them no weight pass to put off, and no bubble filled.
    /// </remarks>
    public static int MostLive(ScheduleKind kind, int rank, int ranks, int microBatches, int chunks = 1) => kind switch
    {
        ScheduleKind.ZeroBubble => Math.Min(microBatches, ranks),
        ScheduleKind.ZeroBubbleAhead => Math.Min(microBatches, (2 * ranks) - 1),
        ScheduleKind.ZeroBubbleDouble => Math.Min(microBatches, 2 * ranks),
        _ => LiveBeforeBackward(kind, rank, ranks, microBatches, chunks),
    };

    /// <summary>Whether a schedule runs the two halves of a backward pass apart.</summary>
    public static bool SplitsBackward(ScheduleKind kind) => kind is ScheduleKind.ZeroBubble or ScheduleKind.ZeroBubbleAhead or ScheduleKind.ZeroBubbleDouble;

    /// <summary>
    /// Whether a rank begins the next step's forward passes while others are still at this one's gradients: its optimizer step is taken as soon
    /// as its own are there, and validated when the whole gradient's norm is known (post-validation: Qi et al., 2023, section 4).
    /// </summary>
    public static bool OverlapsSteps(ScheduleKind kind) => kind is ScheduleKind.ZeroBubbleAhead or ScheduleKind.ZeroBubbleDouble;

    /// <summary>
    /// The most micro-batches, counted once per chunk, that a rank has forwarded and not yet begun to run backward. It is also how many
    /// forward passes come before the first backward pass.
    /// </summary>
    public static int LiveBeforeBackward(ScheduleKind kind, int rank, int ranks, int microBatches, int chunks = 1) => kind switch
    {
        ScheduleKind.GPipe => microBatches,

        // Megatron's warm-up (Narayanan et al., 2021, section 2.2), and the forward pass that begins the steady state.
        ScheduleKind.Interleaved => Math.Min(microBatches * chunks, ((ranks - rank - 1) * 2) + ((chunks - 1) * ranks) + 1),
        ScheduleKind.ZeroBubbleAhead => Math.Min(microBatches, (2 * (ranks - rank)) - 1),

        // The last rank's gradients come from itself: there is nothing to wait for.
        ScheduleKind.ZeroBubbleDouble => Math.Min(microBatches, rank == ranks - 1 ? 1 : 2 * (ranks - rank)),
        _ => Math.Min(microBatches, ranks - rank),
    };

    /// <summary>The bubble that the schedule's paper gives, for pieces of equal cost and messages that take no time.</summary>
    /// <param name="kind">The schedule.</param>
    /// <param name="ranks">Number of ranks, p.</param>
    /// <param name="microBatches">Micro-batches per step, m.</param>
    /// <param name="chunks">Model chunks per rank, v.</param>
    /// <param name="costs">Times of one piece; one time unit for each pass when null.</param>
    public static PublishedBubble Bubble(ScheduleKind kind, int ranks, int microBatches, int chunks = 1, ScheduleCosts? costs = null)
    {
        var piece = costs ?? new ScheduleCosts();
        var (formula, source, idle) = kind switch
        {
            ScheduleKind.GPipe => ("(p−1)/(m+p−1)", "Huang et al., 2019", (ranks - 1) * piece.Both),
            ScheduleKind.Interleaved => ("(p−1)/(v·m+p−1)", "Narayanan et al., 2021", (ranks - 1) * piece.Both),
            ScheduleKind.ZeroBubble => ("(p−1)(T_F+T_B−T_W)", "Qi et al., 2023", (ranks - 1) * IdleOf(piece, owed: 1)),
            ScheduleKind.ZeroBubbleAhead => ("(p−1)(T_F+T_B−2T_W)", "Qi et al., 2023", (ranks - 1) * IdleOf(piece, owed: 2)),
            ScheduleKind.ZeroBubbleDouble => ("(p−2)(T_F+T_B−2T_W)+(T_F+T_B−3T_W)", "the manner of Qi et al., 2023", ranks == 1 ? 0 : ((ranks - 2) * IdleOf(piece, owed: 2)) + IdleOf(piece, owed: 3)),
            _ => ("(p−1)/(m+p−1)", "Narayanan et al., 2021", (ranks - 1) * piece.Both),
        };
        return new PublishedBubble(idle, idle / ((microBatches * chunks * piece.Both) + idle), formula, source, Unmet(kind, ranks, microBatches, piece));
    }

    /// <summary>How many weight gradients behind its input gradients a rank of a schedule with split backward passes is.</summary>
    private static int MostOwed(ScheduleKind kind, int rank, int ranks) => kind switch
    {
        ScheduleKind.ZeroBubbleAhead => 2 * rank,
        ScheduleKind.ZeroBubbleDouble => rank == ranks - 1 ? (2 * ranks) - 1 : 2 * rank,
        _ => rank,
    };

    /// <summary>What stays idle between two ranks when the later one puts off more weight gradients than the one before it.</summary>
    private static double IdleOf(ScheduleCosts piece, int owed) => Math.Max(0, piece.Forward + piece.BackwardInput - (owed * piece.BackwardWeights));

    private static string? Unmet(ScheduleKind kind, int ranks, int microBatches, ScheduleCosts costs) => kind switch
    {
        _ when ranks > 1 && costs.Communication > 0 => "messages that take no time",
        ScheduleKind.ZeroBubble when microBatches < ranks => "at least as many micro-batches as ranks",
        ScheduleKind.ZeroBubbleAhead when microBatches < (2 * ranks) - 1 => "at least 2p−1 micro-batches",
        ScheduleKind.ZeroBubbleDouble when microBatches < 2 * ranks => "at least 2p micro-batches",
        ScheduleKind.ZeroBubbleDouble when (ranks - 1) * costs.BackwardInput > ranks * costs.Forward => "gradients of inputs that take no longer than p/(p−1) forward passes",
        _ when SplitsBackward(kind) && costs.BackwardWeights > Math.Min(costs.Forward, costs.BackwardInput) => "weight gradients that take no longer than the other passes",
        _ => null,
    };

    // Micro-batches go in groups of one per rank: a group passes one chunk, then the next chunk, before the next group sets out.
    private static StageOp Forward(int pass, int ranks, int chunks) => new(StageOpKind.Forward, MicroBatch(pass, ranks, chunks), Chunk(pass, ranks, chunks));

    private static StageOp Backward(StageOpKind kind, int pass, int ranks, int chunks) =>
        new(kind, MicroBatch(pass, ranks, chunks), chunks - 1 - Chunk(pass, ranks, chunks));

    private static int Chunk(int pass, int ranks, int chunks) => pass / ranks % chunks;

    private static int MicroBatch(int pass, int ranks, int chunks) => (pass / (ranks * chunks) * ranks) + (pass % ranks);
}
