using CsCheck;
using IotaOrleans.Protocol.Assignment;

namespace IotaOrleans.Tests.Protocol.Assignment;

public sealed class StageAssignerTests
{
    private static readonly Gen<StageDemand> Demand = Gen.Select(Gen.Double[0.1, 4], Gen.Long[0, 3], (seconds, memory) => new StageDemand(seconds, memory));

    private static readonly Gen<MinerOffer[]> Offers = Gen.Select(Gen.Double[0.25, 4], Gen.Long[0, 4]).Array[1, 9].Select(offers =>
        offers.Select((offer, index) => new MinerOffer($"m{index}", offer.Item1, offer.Item2)).ToArray());

    [Fact]
    public void A_joiner_goes_where_the_run_becomes_fastest() => Gen.Select(Demand.Array[1, 5], Offers).ForAll((stages, offers) =>
    {
        var placements = Place(stages, offers[1..]);
        var choice = StageAssigner.Choose(stages, placements, offers[0]);
        var possible = Enumerable.Range(0, stages.Length).Where(stage => offers[0].MemoryBytes >= stages[stage].MemoryBytes).ToArray();

        (choice is null).Should().Be(possible.Length == 0);
        if (choice is { } stage)
        {
            possible.Should().Contain(stage);
            With(stage).Should().BeGreaterThanOrEqualTo(possible.Max(With) * 0.999999);
        }

        double With(int stage) => StageAssigner.Throughput(stages, [.. placements, new MinerPlacement(offers[0], stage)]);
    });

    [Fact]
    public void Among_equals_an_empty_stage_comes_first_then_the_one_that_lacks_most_then_the_first()
    {
        StageDemand[] stages = [new(1, 0), new(2, 0), new(2, 0), new(1, 0)];

        StageAssigner.Choose(stages, [], Offer("x", 1)).Should().Be(1);
        StageAssigner.Choose(stages, [At("a", 1, 1)], Offer("x", 1)).Should().Be(2);
        StageAssigner.Choose(stages, [At("a", 1, 1), At("b", 1, 2)], Offer("x", 1)).Should().Be(0);
        StageAssigner.Choose(stages, [At("a", 1, 1), At("b", 1, 2), At("c", 1, 0), At("d", 1, 3)], Offer("x", 1)).Should().Be(1);
        StageAssigner.Choose(stages, [At("a", 2, 1), At("b", 2, 2), At("c", 1, 0), At("d", 1, 3)], Offer("x", 1)).Should().Be(1);
        StageAssigner.Choose([new(1, 0), new(1, 0)], [At("a", 1, 0), At("b", 1, 1)], Offer("x", 1)).Should().Be(0);
    }

    [Fact]
    public void Nobody_gets_a_stage_that_does_not_fit_and_every_stage_that_can_have_a_miner_has_one() =>
        Gen.Select(Demand.Array[1, 4], Offers).ForAll((stages, offers) =>
        {
            var assignment = StageAssigner.Assign(stages, offers);

            assignment.Placements.Where(placement => placement.Offer.MemoryBytes < stages[placement.Stage].MemoryBytes).Should().BeEmpty();
            assignment.Placements.Select(placement => placement.Offer.Miner).Concat(assignment.Unplaced).Should().BeEquivalentTo(offers.Select(offer => offer.Miner));
            assignment.Uncovered.Should().HaveCount(stages.Length - MostCovered(stages, offers));
            assignment.MicroBatchesPerSecond.Should().BeApproximately(StageAssigner.Throughput(stages, assignment.Placements), 1e-12);
            (assignment.MicroBatchesPerSecond == 0).Should().Be(!assignment.Uncovered.IsEmpty);
        });

    [Fact]
    public void The_assignment_is_at_least_three_quarters_of_the_best_there_is_and_mostly_the_best()
    {
        var (cases, best) = (0, 0);
        Gen.Select(Demand.Array[1, 3], Offers.Where(offers => offers.Length <= 7)).ForAll((stages, offers) =>
        {
            var optimum = Best(stages, offers, []);
            var found = StageAssigner.Assign(stages, offers).MicroBatchesPerSecond;

            found.Should().BeInRange(0.75 * optimum, optimum * 1.000001);
            cases++;
            best += found >= 0.99 * optimum ? 1 : 0;
        });

        best.Should().BeGreaterThan(cases * 3 / 4);
    }

    [Fact]
    public void A_move_goes_to_the_slowest_stage_empties_none_and_delivers_what_it_promises() =>
        Gen.Select(Demand.Array[1, 4], Offers, Gen.Int[0, int.MaxValue]).ForAll((stages, offers, seed) =>
        {
            var random = new Random(seed);
            MinerPlacement[] placements = [.. offers.Select(offer => new MinerPlacement(offer, random.Next(stages.Length)))];
            var before = StageAssigner.Throughput(stages, placements);
            var move = StageAssigner.ProposeMove(stages, placements);
            var better = placements
                .Where(placement => placements.Count(other => other.Stage == placement.Stage) > 1)
                .SelectMany(placement => Enumerable.Range(0, stages.Length)
                    .Where(stage => placement.Offer.MemoryBytes >= stages[stage].MemoryBytes)
                    .Select(stage => After(placement.Offer.Miner, stage)))
                .DefaultIfEmpty(0).Max();

            (move is not null).Should().Be(better > before * 1.1);
            if (move is not null)
            {
                move.Before.Should().Be(before);
                move.After.Should().BeApproximately(After(move.Miner, move.To), 1e-12).And.BeApproximately(better, 1e-12);
                placements.Count(placement => placement.Stage == move.From).Should().BeGreaterThan(1);
            }

            double After(string miner, int stage) =>
                StageAssigner.Throughput(stages, placements.Select(placement => placement.Offer.Miner == miner ? placement with { Stage = stage } : placement));
        }, cases: 500);

    [Fact]
    public void One_more_miner_on_the_slow_stage_is_proposed_with_the_throughput_before_and_after()
    {
        StageDemand[] stages = [new(1, 0), new(3, 0)];
        MinerPlacement[] placements = [At("a", 1, 0), At("b", 1, 0), At("c", 1, 0), At("d", 1, 1)];

        StageAssigner.ProposeMove(stages, placements).Should().Be(new StageMove("a", 0, 1, 1.0 / 3, 2.0 / 3));
        StageAssigner.ProposeMove(stages, placements, margin: 1.1).Should().BeNull();
        StageAssigner.ProposeMove(stages, placements[..1]).Should().BeNull();
    }

    [Fact]
    public void Moves_one_after_the_other_come_to_an_end() => Gen.Select(Demand.Array[1, 4], Offers).ForAll((stages, offers) =>
    {
        MinerPlacement[] placements = [.. offers.Select(offer => new MinerPlacement(offer, 0))];
        var throughput = StageAssigner.Throughput(stages, placements);
        for (var moves = 0; StageAssigner.ProposeMove(stages, placements) is { } move; moves++)
        {
            moves.Should().BeLessThan(100);
            placements = [.. placements.Select(placement => placement.Offer.Miner == move.Miner ? placement with { Stage = move.To } : placement)];
            StageAssigner.Throughput(stages, placements).Should().BeGreaterThan(throughput);
            throughput = StageAssigner.Throughput(stages, placements);
        }
    });

    private static MinerOffer Offer(string miner, double speed) => new(miner, speed, 10);

    private static MinerPlacement At(string miner, double speed, int stage) => new(Offer(miner, speed), stage);

    private static List<MinerPlacement> Place(StageDemand[] stages, MinerOffer[] offers)
    {
        var placements = new List<MinerPlacement>();
        foreach (var offer in offers)
        {
            if (StageAssigner.Choose(stages, placements, offer) is { } stage)
            {
                placements.Add(new MinerPlacement(offer, stage));
            }
        }

        return placements;
    }

    /// <summary>Tries everything.</summary>
    private static double Best(StageDemand[] stages, MinerOffer[] left, List<MinerPlacement> placements)
    {
        if (left.Length == 0)
        {
            return StageAssigner.Throughput(stages, placements);
        }

        var best = Best(stages, left[1..], placements);
        for (var stage = 0; stage < stages.Length; stage++)
        {
            if (left[0].MemoryBytes >= stages[stage].MemoryBytes)
            {
                best = Math.Max(best, Best(stages, left[1..], [.. placements, new MinerPlacement(left[0], stage)]));
            }
        }

        return best;
    }

    /// <summary>The most stages that can have a miner each: the largest matching, by trying.</summary>
    private static int MostCovered(StageDemand[] stages, MinerOffer[] offers) => stages.Length == 0
        ? 0
        : offers.Where(offer => offer.MemoryBytes >= stages[0].MemoryBytes)
            .Select(offer => 1 + MostCovered(stages[1..], [.. offers.Where(other => other != offer)]))
            .Append(MostCovered(stages[1..], offers)).Max();
}
