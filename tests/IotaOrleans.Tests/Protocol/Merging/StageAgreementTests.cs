using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class StageAgreementTests
{
    [Theory]
    [InlineData("abc", "a1 b1 c1", false, StageVerdictKind.Committed, 1, "", "")]
    [InlineData("abc", "a1 b1 c2", false, StageVerdictKind.Repairing, 1, "c", "")]
    [InlineData("abc", "a1 b1 c2 c1", false, StageVerdictKind.Committed, 1, "", "")]
    [InlineData("abc", "a1 b1", false, StageVerdictKind.Repairing, 1, "", "c")]
    [InlineData("abc", "a1 b1", true, StageVerdictKind.Repairing, 1, "c", "")]
    [InlineData("abc", "a1", false, StageVerdictKind.Waiting, 0, "", "b c")]
    [InlineData("abc", "a1", true, StageVerdictKind.Failed, 0, "", "")]
    [InlineData("abc", "a1 b2", false, StageVerdictKind.Waiting, 0, "", "c")]
    [InlineData("abc", "a1 b2 c3", false, StageVerdictKind.Failed, 0, "", "")]
    [InlineData("ab", "a1 b2", false, StageVerdictKind.Failed, 0, "", "")]
    [InlineData("abcd", "a1 b1 c2 d2", false, StageVerdictKind.Failed, 0, "", "")]
    [InlineData("abcd", "a1 b2 c3", false, StageVerdictKind.Failed, 0, "", "d")]
    [InlineData("a", "a1", false, StageVerdictKind.Committed, 1, "", "")]
    [InlineData("ab", "a1 b1 x2 y2 z2", false, StageVerdictKind.Committed, 1, "", "")]
    [InlineData("", "", false, StageVerdictKind.Failed, 0, "", "")]
    public void A_majority_of_the_living_is_canonical_and_the_others_repair(
        string live, string reports, bool isClosed, StageVerdictKind kind, int hash, string redownload, string waiting)
    {
        var verdict = StageAgreement.Decide(
            live.Select(miner => $"{miner}"),
            reports.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(report => new StageHash(report[..1], (UInt128)(report[1] - '0'))),
            isClosed);

        verdict.Kind.Should().Be(kind);
        verdict.Hash.Should().Be(hash == 0 ? null : (UInt128)hash);
        verdict.Redownload.Should().Equal(redownload.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        verdict.Waiting.Should().Equal(waiting.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_cell_that_is_not_what_was_decided_is_not_used_and_must_be_fetched_again()
    {
        var map = ButterflyMap.Create(["a", "b", "c"], new byte[32], 6);
        float[][] cells = [[1, 2], [3, 4], [5, 6]];
        var tally = map.Cells.Aggregate(MergeTally.Begin(map, new MergeSettings { AlwaysAskShare = 0 }), (tally, cell) =>
            cell.Owners.Aggregate(tally, (tally, owner) => tally.Add(new CellCopy(cell.Index, owner, CopyHash.Of(cells[cell.Index])))));
        float[] stage = new float[6];

        Assemble([[1, 2], [3, 4], [5, 6]]).Should().BeEmpty();
        stage.Should().Equal(1, 2, 3, 4, 5, 6);
        Assemble([[1, 2], [3, 4.0001f], [5]]).Should().Equal(1, 2);
        stage.Should().Equal(1, 2, 9, 9, 9, 9);

        IEnumerable<int> Assemble(float[][] received)
        {
            // The last agreed version.
            Array.Fill(stage, 9);
            return StageAssembler.Assemble(map.Cells, tally.Decisions, cell => received[cell], stage);
        }
    }

    [Fact]
    public void An_unsettled_merge_cannot_be_assembled()
    {
        var map = ButterflyMap.Create(["a", "b"], new byte[32], 2);
        var tally = MergeTally.Begin(map, new MergeSettings());

        FluentActions.Invoking(() => StageAssembler.Assemble(map.Cells, tally.Decisions, _ => default, new float[2])).Should().Throw<ArgumentException>().WithMessage("*not settled*");
        FluentActions.Invoking(() => StageAssembler.Assemble(map.Cells, tally.Decisions, _ => default, new float[1])).Should().Throw<ArgumentException>().WithMessage("*of 2 values*");
    }

    [Fact]
    public void Hashes_tell_bits_apart_that_compare_as_equal()
    {
        CopyHash.Of([0f]).Should().NotBe(CopyHash.Of([-0f]));
        CopyHash.Of([1f, 2f]).Should().NotBe(CopyHash.Of([2f, 1f]));
        CopyHash.Of([1f]).Should().Be(CopyHash.Of([1f]));
        CopyHash.Of([]).Should().Be(new UInt128(0x24b96f99c8f4fb9a, 0x141cfc9842c4b0e3), "that is how SHA-256 of nothing begins");
    }
}
