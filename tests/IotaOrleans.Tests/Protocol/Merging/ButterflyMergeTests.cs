using CsCheck;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class ButterflyMergeTests
{
    [Fact]
    public void The_merged_stage_is_the_weighted_mean_in_every_replica() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 3], Gen.Int[1, 700], Gen.OneOf(1, 16), Gen.Int[0, int.MaxValue]).ForAll(
            (miners, owners, length, granularity, seed) =>
            {
                var merge = new SimulatedMerge(miners, length, seed, new MergeSettings { Owners = owners }, granularity).Run();

                merge.Tally.Outcome()!.Kind.Should().Be(MergeOutcomeKind.Merged);
                merge.Tally.Faulty.Should().BeEmpty();
                merge.Stages.Should().HaveCount(miners);
                foreach (var stage in merge.Stages.Values)
                {
                    for (var i = 0; i < length; i++)
                    {
                        // Half a unit in the last place of numbers up to one.
                        ((double)stage[i]).Should().BeApproximately(PlainMean(merge, i), 1.0 / (1 << 24));
                    }
                }
            });

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(5, 2)]
    [InlineData(6, 2)]
    [InlineData(7, 2)]
    [InlineData(9, 2)]
    [InlineData(12, 2)]
    [InlineData(17, 2)]
    [InlineData(32, 2)]
    [InlineData(64, 2)]
    [InlineData(4, 3)]
    [InlineData(9, 3)]
    [InlineData(12, 3)]
    public void Each_miner_moves_what_the_formula_says_and_never_more_than_three_updates(int miners, int owners)
    {
        var length = 24 * (int)ButterflyMap.CountCells(miners, owners);
        var merge = new SimulatedMerge(miners, length, seed: 1, new MergeSettings { Owners = owners, AlwaysAskShare = 0, RequiredLead = 1 }).Run();
        var theory = MergeTraffic.Direct(miners, owners, length, sizeof(float), sizeof(float));

        theory.Down.Should().Be(theory.Up);
        if (owners == 2)
        {
            theory.Up.Should().BeApproximately(miners == 1 ? 0 : (3.0 - (4.0 / miners)) * length * sizeof(float), 1e-6);
        }

        foreach (var miner in merge.Miners)
        {
            ((double)merge.Sent[miner]).Should().BeApproximately(theory.Up, 0.05 * theory.Up).And.BeLessThanOrEqualTo((owners + 1.0) * length * sizeof(float));
            ((double)merge.Received[miner]).Should().BeApproximately(theory.Down, 0.05 * theory.Down).And.BeLessThanOrEqualTo((owners + 1.0) * length * sizeof(float));
        }
    }

    [Fact]
    public void Asking_arbiters_costs_their_share_of_an_update()
    {
        const int Miners = 16, Length = 24 * 120;
        var merge = new SimulatedMerge(Miners, Length, seed: 3, new MergeSettings { AlwaysAskShare = 1 }).Run();
        var expected = MergeTraffic.Direct(Miners, 2, Length, 4, 4).Down + MergeTraffic.Arbitration(Miners, 2, Length, 4, share: 1).Down;

        // Arbiters have the result already and need not get it: a share of 1/N less.
        merge.Received.Values.Average().Should().BeApproximately(expected - (4.0 * Length / Miners), 1);
    }

    [Fact]
    public void Through_a_store_it_is_what_IOTA_states()
    {
        var traffic = MergeTraffic.Store(50, 2, 1000, 4, 4);

        traffic.Up.Should().BeApproximately(4000 + (2 * 4000 / 50.0), 1e-9);
        traffic.Down.Should().BeApproximately(3 * 4000, 1e-9);
        MergeTraffic.Store(1, 2, 1000, 4, 4).Should().Be(new MergeTraffic(8000, 8000));
    }

    [Fact]
    public void Compressed_updates_and_dense_results_are_counted_apart()
    {
        var traffic = MergeTraffic.Direct(10, 2, 1000, 0.5, 4);

        traffic.Up.Should().BeApproximately((2 * 500 * 0.9) + (4000 * 0.8), 1e-9);
        MergeTraffic.Arbitration(10, 2, 1000, 0.5, 0.1).Up.Should().BeApproximately(45, 1e-9);
        MergeTraffic.Arbitration(2, 2, 1000, 0.5, 0.1).Up.Should().Be(0);
    }

    [Fact]
    public void Lost_miners_leave_their_common_cells_as_they_were_in_every_replica_alike() =>
        Gen.Select(Gen.Int[2, 12], Gen.Int[0, 12], Gen.Int[0, int.MaxValue]).ForAll((miners, wanted, seed) =>
        {
            var lost = Math.Min(wanted, miners - 1);
            var merge = new SimulatedMerge(miners, 40 * miners * miners, seed) { Lost = [.. Enumerable.Range(0, lost).Select(index => $"m{index:00}")] }.Run();
            var gaps = lost * (lost - 1) / 2;

            merge.Tally.Outcome()!.Gaps.Should().HaveCount(gaps).And.Equal(merge.Map.Missing(merge.Lost));
            merge.Tally.Faulty.Should().BeEmpty();
            merge.Stages.Should().HaveCount(miners - lost);
            merge.Stages.Values.Select(stage => CopyHash.Of(stage)).Distinct().Should().ContainSingle();
            var survivor = merge.Stages.Values.First();
            foreach (var cell in merge.Map.Cells)
            {
                var isGap = cell.Owners.All(merge.Lost.Contains);
                for (var i = (int)cell.Start; i < cell.End; i++)
                {
                    ((double)survivor[i]).Should().BeApproximately(isGap ? merge.LastAgreed[i] : PlainMean(merge, i), 1.0 / (1 << 24));
                }
            }
        });

    private static double PlainMean(SimulatedMerge merge, int index)
    {
        var sum = 0m;
        var total = 0m;
        for (var miner = 0; miner < merge.Miners.Length; miner++)
        {
            sum += (decimal)merge.Weights[miner] * (decimal)(double)merge.Updates[miner][index];
            total += (decimal)merge.Weights[miner];
        }

        return (double)(sum / total);
    }
}
