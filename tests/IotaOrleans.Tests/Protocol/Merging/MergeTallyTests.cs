using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class MergeTallyTests
{
    private static readonly MergeSettings NeverAsk = new() { AlwaysAskShare = 0 };

    private static readonly ButterflyMap Map = ButterflyMap.Create(["a", "b", "c", "d", "e", "f"], new byte[32], 1500);

    private static MergeCell Cell => Map.Cells[4];

    private static ImmutableArray<string> Arbiters => Map.Arbiters(4);

    [Fact]
    public void Two_owners_who_agree_settle_their_cell()
    {
        var tally = MergeTally.Begin(Map, NeverAsk);
        tally.Decisions[4].Should().BeEquivalentTo(new { Standing = CellStanding.WaitingForOwners, Waiting = Cell.Owners });

        tally = Report(tally, (Cell.Owners[1], 7));
        tally.Decisions[4].Waiting.Should().Equal(Cell.Owners[0]);
        tally = Report(tally, (Cell.Owners[0], 7));

        tally.Decisions[4].Should().BeEquivalentTo(new { Standing = CellStanding.Decided, Hash = (UInt128)7, Holders = Cell.Owners, IsOpen = false, IsGap = false });
        tally.IsSettled.Should().BeFalse();
        tally.Outcome().Should().BeNull();
    }

    [Fact]
    public void When_owners_differ_arbiters_decide_and_the_owner_that_differs_is_faulty()
    {
        var tally = Report(MergeTally.Begin(Map, NeverAsk), (Cell.Owners[0], 1), (Cell.Owners[1], 2));
        tally.Asked.Should().Equal((4, Arbiters[0]), (4, Arbiters[1]));

        tally = Report(tally, (Arbiters[0], 2), (Arbiters[1], 2));

        tally.Decisions[4].Hash.Should().Be((UInt128)2);
        tally.Decisions[4].Holders.Should().Equal(Cell.Owners[1], Arbiters[0], Arbiters[1]);
        tally.Faulty.Should().Equal(Cell.Owners[0]);
        tally.Contested.Should().Equal(4);
    }

    [Fact]
    public void When_everybody_has_another_version_nobody_is_believed()
    {
        var tally = MergeTally.Begin(Map, NeverAsk);
        tally = Report(tally, (Cell.Owners[0], 1), (Cell.Owners[1], 2), (Arbiters[0], 3), (Arbiters[1], 4), (Arbiters[2], 5), (Arbiters[3], 6));

        tally.Decisions[4].Should().BeEquivalentTo(new { Standing = CellStanding.Disputed, Hash = (UInt128?)null, IsGap = true });
        tally.Faulty.Should().BeEmpty();
    }

    [Fact]
    public void With_three_miners_one_arbiter_is_all_there_is_and_decides()
    {
        var map = ButterflyMap.Create(["a", "b", "c"], new byte[32], 30);
        var (cell, arbiter) = (map.Cells[0], map.Arbiters(0).Single());
        var tally = MergeTally.Begin(map, NeverAsk).Add(new(0, cell.Owners[0], 1)).Add(new(0, cell.Owners[1], 2));

        tally.Add(new(0, arbiter, 2)).Faulty.Should().Equal(cell.Owners[0]);
        tally.Add(new(0, arbiter, 3)).Decisions[0].Standing.Should().Be(CellStanding.Disputed);
        tally.Lose(arbiter).Decisions[0].Standing.Should().Be(CellStanding.Disputed);
    }

    [Fact]
    public void One_owner_is_lost_and_an_arbiter_confirms_the_other()
    {
        var tally = Report(MergeTally.Begin(Map, NeverAsk), (Cell.Owners[0], 7)).Lose(Cell.Owners[1]);
        tally.Decisions[4].Should().BeEquivalentTo(new { Standing = CellStanding.WaitingForArbiters, Waiting = (string[])[Arbiters[0]] });

        Report(tally, (Arbiters[0], 7)).Decisions[4].Standing.Should().Be(CellStanding.Decided);
        Report(tally, (Arbiters[0], 8)).Decisions[4].Waiting.Should().Equal(Arbiters[1], Arbiters[2]);
        tally.Lose(Arbiters[0]).Decisions[4].Waiting.Should().Equal(Arbiters[1]);
    }

    [Fact]
    public void A_cell_whose_owners_or_holders_are_all_lost_is_missing()
    {
        var none = MergeTally.Begin(Map, NeverAsk).Lose(Cell.Owners[0]).Lose(Cell.Owners[1]);
        var held = Report(MergeTally.Begin(Map, NeverAsk), (Cell.Owners[0], 7), (Cell.Owners[1], 7)).Lose(Cell.Owners[0]);

        none.Decisions[4].Standing.Should().Be(CellStanding.Missing);
        held.Decisions[4].Holders.Should().Equal(Cell.Owners[1]);
        held.Lose(Cell.Owners[1]).Decisions[4].Standing.Should().Be(CellStanding.Missing);
    }

    [Fact]
    public void When_time_is_up_a_copy_that_nobody_confirmed_is_not_believed()
    {
        var alone = Report(MergeTally.Begin(Map, NeverAsk), (Cell.Owners[0], 7)).Close();
        var agreed = Report(MergeTally.Begin(Map, new MergeSettings { AlwaysAskShare = 1 }), (Cell.Owners[0], 7), (Cell.Owners[1], 7));

        alone.Decisions[4].Standing.Should().Be(CellStanding.Disputed);
        alone.IsSettled.Should().BeTrue();
        alone.Decisions.Where(decision => decision.Cell != 4).Should().OnlyContain(decision => decision.Standing == CellStanding.Missing);
        alone.Outcome()!.Kind.Should().Be(MergeOutcomeKind.Failed);
        agreed.Asked.Should().Equal((4, Arbiters[0]));
        agreed.Close().Decisions[4].Standing.Should().Be(CellStanding.Decided);
    }

    [Fact]
    public void Reports_that_nobody_waits_for_change_nothing()
    {
        var tally = Report(MergeTally.Begin(Map, NeverAsk), (Cell.Owners[0], 1));

        Report(tally, (Cell.Owners[0], 2)).Should().BeSameAs(tally);
        Report(tally, (Arbiters[0], 1)).Should().BeSameAs(tally);
        Report(tally, ("stranger", 1)).Should().BeSameAs(tally);
        tally.Add(new(-1, "a", 1)).Should().BeSameAs(tally);
        tally.Add(new(15, "a", 1)).Should().BeSameAs(tally);
        tally.Lose("stranger").Should().BeSameAs(tally);
        var lost = tally.Lose(Cell.Owners[1]);
        Report(lost, (Cell.Owners[1], 1)).Should().BeSameAs(lost);
        lost.Lose(Cell.Owners[1]).Should().BeSameAs(lost);
        var closed = tally.Close();
        Report(closed, (Cell.Owners[1], 1)).Should().BeSameAs(closed);
        closed.Close().Should().BeSameAs(closed);
    }

    [Fact]
    public void A_settled_merge_is_whole_or_has_gaps_or_failed_by_how_much_is_missing()
    {
        var cells = Map.Cells.ToArray();
        Outcome(0).Should().BeEquivalentTo(new { Kind = MergeOutcomeKind.Merged, Gaps = Array.Empty<int>(), Reason = (string?)null });
        Outcome(1).Should().BeEquivalentTo(new
        {
            Kind = MergeOutcomeKind.MergedWithGaps,
            Gaps = (int[])[0],
            Reason = "1 of 15 cells, 6.7 % of the values, have no agreed copy: 1 lost, 0 disputed.",
        });
        Outcome(7).Kind.Should().Be(MergeOutcomeKind.MergedWithGaps);
        Outcome(8).Kind.Should().Be(MergeOutcomeKind.Failed);
        Outcome(15).Kind.Should().Be(MergeOutcomeKind.Failed);

        MergeOutcome Outcome(int gaps) => cells.Skip(gaps)
            .Aggregate(MergeTally.Begin(Map, NeverAsk), (tally, cell) => cell.Owners.Aggregate(tally, (tally, owner) => tally.Add(new(cell.Index, owner, 1))))
            .Close().Outcome()!;
    }

    [Fact]
    public void Whatever_comes_a_settled_cell_stays_settled_and_a_stored_tally_comes_back_the_same() =>
        Gen.Select(Gen.Select(Gen.Int[0, 15], Gen.Int[0, 6], Gen.Int[0, 2], Gen.Int[0, 60]).Array[0, 150], Gen.OneOf(0, 0.3, 1)).ForAll((events, share) =>
        {
            var settings = new MergeSettings { AlwaysAskShare = share };
            var tally = MergeTally.Begin(Map, settings);
            foreach (var (cell, miner, hash, kind) in events)
            {
                var name = $"{(char)('a' + miner)}";
                var next = kind switch { 0 => tally.Close(), 1 or 2 => tally.Lose(name), _ => tally.Add(new(cell, name, (UInt128)hash)) };
                foreach (var (before, after) in tally.Decisions.Zip(next.Decisions).Where(pair => !pair.First.IsOpen))
                {
                    after.Hash.Should().Be(before.Hash);
                    after.IsOpen.Should().BeFalse();
                    after.Against.Should().Equal(before.Against);
                }

                tally = next;
            }

            var restored = MergeTally.Restore(Map, settings, tally.Copies, tally.Lost, tally.Gone);
            restored.Decisions.Should().BeEquivalentTo(tally.Decisions);
            tally.Close().Outcome().Should().NotBeNull();
        });

    [Fact]
    public void The_matrix_counts_agreement_disagreement_and_what_is_unknown()
    {
        var tally = Report(MergeTally.Begin(Map, NeverAsk), (Cell.Owners[0], 1), (Cell.Owners[1], 2), (Arbiters[0], 1));
        var matrix = tally.Agreement();
        var (first, second, arbiter) = (Index(Cell.Owners[0]), Index(Cell.Owners[1]), Index(Arbiters[0]));

        matrix.Disagreed(first, second).Should().Be(1);
        matrix.Disagreed(second, first).Should().Be(1);
        matrix.Agreed(first, arbiter).Should().Be(1);
        matrix.Disagreed(second, arbiter).Should().Be(1);
        matrix.Unknown(first, second).Should().Be(0);
        matrix.Unknown(first, arbiter).Should().Be(1);
        matrix.Opponents(second).Should().Be(2);
        matrix.Opponents(first).Should().Be(1);

        static int Index(string miner) => Map.Miners.IndexOf(miner);
    }

    [Fact]
    public void An_empty_cell_waits_for_nobody()
    {
        var map = ButterflyMap.Create(["a", "b", "c", "d"], new byte[32], 2);
        var tally = map.Cells.Where(cell => cell.Length > 0)
            .Aggregate(MergeTally.Begin(map, NeverAsk), (tally, cell) => cell.Owners.Aggregate(tally, (tally, owner) => tally.Add(new(cell.Index, owner, 1))));

        tally.Copies.Should().HaveCount(4);
        tally.Outcome()!.Kind.Should().Be(MergeOutcomeKind.Merged);
    }

    private static MergeTally Report(MergeTally tally, params (string Miner, int Hash)[] copies) =>
        copies.Aggregate(tally, (tally, copy) => tally.Add(new CellCopy(4, copy.Miner, (UInt128)copy.Hash)));
}
