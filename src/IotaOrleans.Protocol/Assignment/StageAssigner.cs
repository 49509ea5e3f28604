using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Assignment;

/// <summary>
/// Decides which miner holds which stage. A stage passes Σ speed/cost micro-batches per second, over its miners; the run passes as many as
/// its slowest stage, and that is what every decision makes as large as it can.
/// </summary>
public static class StageAssigner
{
    /// <summary>By how much a move must raise the throughput to be worth the transfer of the weights.</summary>
    public const double DefaultMargin = 0.10;

    // Sums that differ by less came about in another order.
    private const double Tolerance = 1e-9;

    /// <summary>Predicted throughput of the run in micro-batches per second: the smallest of its stages.</summary>
    public static double Throughput(IReadOnlyList<StageDemand> stages, IEnumerable<MinerPlacement> placements) => Rates(stages, placements).Min();

    /// <summary>
    /// The stage for a joining miner: the one with which the run becomes fastest; among equals an empty one, then the one that lacks the
    /// most speed for its share, then the first. Null when the miner's memory is too small for any.
    /// </summary>
    public static int? Choose(IReadOnlyList<StageDemand> stages, IReadOnlyList<MinerPlacement> placements, MinerOffer joiner)
    {
        var rates = Rates(stages, placements);
        var target = (placements.Sum(placement => placement.Offer.Speed) + joiner.Speed) / stages.Sum(stage => stage.Seconds);
        int? best = null;
        var bestRate = 0.0;
        for (var stage = 0; stage < stages.Count; stage++)
        {
            if (!Fits(joiner, stages[stage]))
            {
                continue;
            }

            var rate = rates.Select((rate, index) => index == stage ? rate + (joiner.Speed / stages[stage].Seconds) : rate).Min();
            if (best is not { } other || IsMore(rate, bestRate) || (!IsMore(bestRate, rate) && Lacks(stage).CompareTo(Lacks(other)) > 0))
            {
                (best, bestRate) = (stage, rate);
            }
        }

        return best;

        (bool, double) Lacks(int stage) => (rates[stage] == 0, Math.Round((target - rates[stage]) * stages[stage].Seconds, 9));
    }

    /// <summary>
    /// Places many miners at once. Every stage gets a miner if memory allows it; then each miner, the fastest first, goes where it helps
    /// most; then miners move or change places as long as that makes the run faster.
    /// </summary>
    public static StageAssignment Assign(IReadOnlyList<StageDemand> stages, IEnumerable<MinerOffer> offers)
    {
        var free = offers.OrderByDescending(offer => offer.Speed).ThenBy(offer => offer.Miner, StringComparer.Ordinal).ToList();
        var placements = new List<MinerPlacement>(free.Count);

        // The stage that fewest miners can hold chooses first: whoever can hold it can hold those that follow.
        foreach (var stage in Enumerable.Range(0, stages.Count).OrderByDescending(stage => stages[stage].MemoryBytes).ThenByDescending(stage => stages[stage].Seconds))
        {
            if (free.Find(offer => Fits(offer, stages[stage])) is { } offer)
            {
                free.Remove(offer);
                placements.Add(new MinerPlacement(offer, stage));
            }
        }

        var unplaced = ImmutableArray.CreateBuilder<string>();
        foreach (var offer in free)
        {
            if (Choose(stages, placements, offer) is { } stage)
            {
                placements.Add(new MinerPlacement(offer, stage));
            }
            else
            {
                unplaced.Add(offer.Miner);
            }
        }

        while (Improve(stages, placements))
        {
        }

        placements.Sort((one, other) => string.CompareOrdinal(one.Offer.Miner, other.Offer.Miner));
        var rates = Rates(stages, placements);
        return new StageAssignment([.. placements], rates.Min(), [.. Enumerable.Range(0, stages.Count).Where(stage => rates[stage] == 0)], unplaced.ToImmutable());
    }

    /// <summary>
    /// The move to the slowest stage that makes the run fastest, or null when none is worth it. It never empties a stage.
    /// </summary>
    /// <param name="stages">The stages.</param>
    /// <param name="placements">Who holds them.</param>
    /// <param name="margin">By how much the throughput must rise, as a share of what it is.</param>
    public static StageMove? ProposeMove(IReadOnlyList<StageDemand> stages, IReadOnlyList<MinerPlacement> placements, double margin = DefaultMargin)
    {
        var rates = Rates(stages, placements);
        var slowest = Array.IndexOf(rates, rates.Min());
        var counts = placements.CountBy(placement => placement.Stage).ToDictionary();
        return placements
            .Where(placement => placement.Stage != slowest && counts[placement.Stage] > 1 && Fits(placement.Offer, stages[slowest]))
            .Select(placement => new StageMove(
                placement.Offer.Miner,
                placement.Stage,
                slowest,
                rates[slowest],
                Throughput(stages, placements.Select(other => other == placement ? other with { Stage = slowest } : other))))
            .Where(move => move.After > move.Before * (1 + margin))
            .OrderByDescending(move => move.After)
            .ThenBy(move => move.Miner, StringComparer.Ordinal)
            .FirstOrDefault();
    }

    /// <summary>Moves one miner to the slowest stage, or lets it change places with one of that stage, if that makes the run faster.</summary>
    private static bool Improve(IReadOnlyList<StageDemand> stages, List<MinerPlacement> placements)
    {
        var rates = Rates(stages, placements);
        var slowest = Array.IndexOf(rates, rates.Min());
        for (var mover = 0; mover < placements.Count; mover++)
        {
            var from = placements[mover].Stage;
            if (from == slowest || !Fits(placements[mover].Offer, stages[slowest]))
            {
                continue;
            }

            for (var other = -1; other < placements.Count; other++)
            {
                if (other >= 0 && (placements[other].Stage != slowest || !Fits(placements[other].Offer, stages[from])))
                {
                    continue;
                }

                Place(mover, slowest);
                Place(other, from);
                if (IsFairer(Rates(stages, placements), rates))
                {
                    return true;
                }

                Place(mover, from);
                Place(other, slowest);
            }
        }

        return false;

        void Place(int index, int stage)
        {
            if (index >= 0)
            {
                placements[index] = placements[index] with { Stage = stage };
            }
        }
    }

    /// <summary>Compares the slowest stages, then the second slowest and so on: of two equally slow stages one must be helped first.</summary>
    private static bool IsFairer(double[] after, double[] before)
    {
        foreach (var (one, other) in after.Order().Zip(before.Order()))
        {
            if (IsMore(one, other) || IsMore(other, one))
            {
                return IsMore(one, other);
            }
        }

        return false;
    }

    private static double[] Rates(IReadOnlyList<StageDemand> stages, IEnumerable<MinerPlacement> placements)
    {
        var speeds = new double[stages.Count];
        foreach (var placement in placements)
        {
            speeds[placement.Stage] += placement.Offer.Speed;
        }

        return [.. speeds.Select((speed, stage) => speed / stages[stage].Seconds)];
    }

    private static bool Fits(MinerOffer offer, StageDemand stage) => offer.MemoryBytes >= stage.MemoryBytes;

    private static bool IsMore(double one, double other) => one > other * (1 + Tolerance);
}
