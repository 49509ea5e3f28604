using CsCheck;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class ButterflyMapTests
{
    private static readonly Gen<byte[]> Secret = Gen.Byte.Array[MergeCommitment.SecretBytes];

    private static readonly Gen<int> Granularity = Gen.OneOf(1, 7, 4096);

    [Fact]
    public void Every_subset_of_the_miners_owns_one_cell() => Gen.Select(Gen.Int[1, 12], Gen.Int[1, 4], Secret).ForAll((miners, owners, secret) =>
    {
        var map = ButterflyMap.Create(Names(miners), secret, 10_000, owners);
        var shared = Math.Min(owners, miners);

        map.Cells.Should().HaveCount((int)Choose(miners, shared)).And.HaveCount((int)ButterflyMap.CountCells(miners, owners));
        map.Cells.Should().OnlyContain(cell => cell.Owners.Distinct().Count() == shared && cell.Owners.All(owner => map.Miners.Contains(owner)));
        map.Cells.Select(cell => string.Join(' ', cell.Owners.Order())).Should().OnlyHaveUniqueItems();
    });

    [Fact]
    public void Cells_are_consecutive_and_as_equal_as_the_granularity_allows() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 3], Secret, Gen.Int[0, 300_000], Granularity).ForAll((miners, owners, secret, length, granularity) =>
        {
            var cells = ButterflyMap.Create(Names(miners), secret, length, owners, granularity).Cells;

            cells[0].Start.Should().Be(0);
            cells[^1].End.Should().Be(length);
            cells.Skip(1).Select(cell => cell.Start).Should().Equal(cells.SkipLast(1).Select(cell => cell.End));
            cells.Should().OnlyContain(cell => cell.Start % granularity == 0 || cell.Start == length);
            var units = cells.Select(cell => (cell.Length + granularity - 1) / granularity).ToArray();
            (units.Max() - units.Min()).Should().BeLessThanOrEqualTo(1);
        });

    [Fact]
    public void Everybody_is_primary_about_equally_often() => Gen.Select(Gen.Int[1, 40], Gen.Int[1, 3], Secret).ForAll(
        (miners, owners, secret) =>
        {
            var cells = ButterflyMap.Create(Names(miners), secret, 100_000, owners).Cells;
            var counts = Names(miners).Select(miner => cells.Count(cell => cell.Primary == miner)).ToArray();

            (counts.Max() - counts.Min()).Should().BeLessThanOrEqualTo(1);
        },
        cases: 30);

    [Fact]
    public void A_vector_shorter_than_the_cells_leaves_empty_ones_and_primaries_of_the_others_stay_balanced()
    {
        var map = ButterflyMap.Create(Names(8), new byte[32], 3 * 4096, granularity: 4096);

        map.Cells.Should().HaveCount(28);
        map.Cells.Where(cell => cell.Length > 0).Should().HaveCount(3).And.OnlyContain(cell => cell.Length == 4096);
        map.Cells.Where(cell => cell.Length > 0).Select(cell => cell.Primary).Should().OnlyHaveUniqueItems();
        map.Missing(Names(8)).Should().HaveCount(3);
    }

    [Fact]
    public void The_map_follows_from_the_secret_alone_and_never_changes()
    {
        var secret = Enumerable.Range(0, 32).Select(value => (byte)value).ToArray();
        var map = ButterflyMap.Create(["c", "a", "d", "b"], secret, 60);

        Text(map).Should().Be(Text(ButterflyMap.Create(["a", "b", "c", "d"], secret, 60)));
        Text(map).Should().Be("0+10 a>b c>d; 10+10 c>b a>d; 20+10 d>c a>b; 30+10 b>d a>c; 40+10 a>c d>b; 50+10 d>a c>b");
    }

    [Fact]
    public void Another_secret_gives_another_map() => Gen.Select(Secret, Gen.Int[0, 255]).ForAll((secret, bit) =>
    {
        var other = secret.ToArray();
        other[bit / 8] ^= (byte)(1 << (bit % 8));

        Text(ButterflyMap.Create(Names(10), secret, 1000)).Should().NotBe(Text(ButterflyMap.Create(Names(10), other, 1000)));
    });

    [Fact]
    public void Which_two_share_a_range_is_spread_evenly_over_the_secrets()
    {
        // 5 miners, 10 cells: any pair should own the first cell in a tenth of the maps; 3000 maps leave 300 ± 16.
        var counts = Enumerable.Range(0, 3000)
            .Select(seed => ButterflyMap.Create(Names(5), Bytes(seed), 100).Cells[0].Owners)
            .CountBy(owners => string.Join(' ', owners.Order())).ToDictionary();

        counts.Should().HaveCount(10);
        counts.Values.Should().OnlyContain(count => count > 220 && count < 380);
    }

    [Fact]
    public void Arbiters_are_all_who_do_not_own_the_cell_each_first_equally_often() => Gen.Select(Gen.Int[1, 12], Gen.Int[1, 4], Secret).ForAll((miners, owners, secret) =>
    {
        var map = ButterflyMap.Create(Names(miners), secret, 1000, owners);
        foreach (var cell in map.Cells)
        {
            map.Arbiters(cell.Index).Should().BeEquivalentTo(map.Miners.Except(cell.Owners));
            cell.Arbiter.Should().Be(map.Arbiters(cell.Index).FirstOrDefault());
        }

        (map.Cells[0].Arbiter is null).Should().Be(miners <= owners);
    });

    [Fact]
    public void K_lost_miners_leave_exactly_the_subsets_of_the_lost_missing() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 3], Secret, Gen.Int[0, int.MaxValue]).ForAll((miners, owners, secret, seed) =>
        {
            var map = ButterflyMap.Create(Names(miners), secret, 10_000, owners);
            var shared = Math.Min(owners, miners);
            var lost = Names(miners);
            new Random(seed).Shuffle(lost);
            for (var k = 0; k <= miners; k++)
            {
                var missing = map.Missing(lost.Take(k)).Length;

                missing.Should().Be((int)Choose(k, shared));
                ButterflyMap.MissingShare(miners, k, owners).Should().BeApproximately((double)missing / map.Cells.Length, 1e-12);
                if (owners == 2 && miners >= 2)
                {
                    (missing * miners * (miners - 1)).Should().Be(k * (k - 1) * map.Cells.Length);
                }
            }
        });

    [Fact]
    public void The_always_asked_cells_are_about_the_share_that_was_wanted()
    {
        var map = ButterflyMap.Create(Names(64), Bytes(1), 1_000_000);

        map.Cells.Count(cell => map.IsAlwaysAsked(cell.Index, 0)).Should().Be(0);
        map.Cells.Count(cell => map.IsAlwaysAsked(cell.Index, 0.05)).Should().BeInRange(70, 132);
        map.Cells.Count(cell => map.IsAlwaysAsked(cell.Index, 1)).Should().Be(2016);
    }

    [Fact]
    public void A_commitment_fits_its_secret_and_its_merge_only()
    {
        var merge = new MergeId("run", 2, 7);
        var commitment = MergeCommitment.To(merge, Bytes(1));

        MergeId.Parse(merge.ToString()).Should().Be(merge);
        commitment.Verify(Bytes(1)).Should().BeTrue();
        commitment.Verify(Bytes(2)).Should().BeFalse();
        commitment.Verify(Bytes(1).AsSpan(..31)).Should().BeFalse();
        (commitment with { Merge = merge with { Round = 8 } }).Verify(Bytes(1)).Should().BeFalse();
        (commitment with { Merge = merge with { Stage = 3 } }).Verify(Bytes(1)).Should().BeFalse();
        (commitment with { Merge = merge with { Run = "other" } }).Verify(Bytes(1)).Should().BeFalse();
    }

    [Theory]
    [InlineData("run/2")]
    [InlineData("run/2/x")]
    [InlineData("run/-1/3")]
    public void A_wrong_key_is_refused(string key) => FluentActions.Invoking(() => MergeId.Parse(key)).Should().Throw<FormatException>();

    [Fact]
    public void Impossible_maps_are_refused()
    {
        FluentActions.Invoking(() => ButterflyMap.Create([], new byte[32], 10)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => ButterflyMap.Create(["a", "a"], new byte[32], 10)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => ButterflyMap.Create(["a"], new byte[31], 10)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => ButterflyMap.Create(["a"], new byte[32], -1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => ButterflyMap.Create(["a"], new byte[32], 1, owners: 0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => ButterflyMap.Create(Names(2000), new byte[32], 10)).Should().Throw<ArgumentOutOfRangeException>();
    }

    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(index => $"m{index:0000}")];

    private static byte[] Bytes(int seed)
    {
        var bytes = new byte[MergeCommitment.SecretBytes];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Text(ButterflyMap map) =>
        string.Join("; ", map.Cells.Select(cell => $"{cell.Start}+{cell.Length} {string.Join('>', cell.Owners)} {string.Join('>', map.Arbiters(cell.Index))}"));

    /// <summary>Pascal's triangle.</summary>
    private static long Choose(int n, int k) => k == 0 ? 1 : n == 0 ? 0 : Choose(n - 1, k - 1) + Choose(n - 1, k);
}
