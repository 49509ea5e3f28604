using CsCheck;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class CorruptReducerTests
{
    public enum Attack
    {
        SignFlip,
        Scale,
        Noise,
        StaleCopy,
        RandomCell,
    }

    [Fact]
    public void One_corrupt_reducer_is_named_every_time_and_nobody_else_and_does_no_harm() =>
        Gen.Select(Gen.Int[5, 12], Gen.Enum<Attack>(), Gen.Int[0, 11], Gen.Int[0, int.MaxValue], Gen.OneOf(0, 0.05, 1)).ForAll(
            (miners, attack, number, seed, alwaysAsk) =>
            {
                var settings = new MergeSettings { AlwaysAskShare = alwaysAsk };
                var honest = new SimulatedMerge(miners, 500, seed, settings).Run();
                var corrupt = number % miners;
                var culprit = $"m{corrupt:00}";
                var merge = new SimulatedMerge(miners, 500, seed, settings) { Tamper = (miner, cell, copy) => miner == culprit ? Spoil(honest, culprit, attack, cell, copy, seed) : copy }.Run();

                merge.Tally.Faulty.Should().Equal(culprit);
                merge.Tally.Outcome()!.Kind.Should().Be(MergeOutcomeKind.Merged);
                merge.Stages.Values.Should().OnlyContain(stage => stage.SequenceEqual(honest.Stages[culprit]));

                var matrix = merge.Tally.Agreement();
                Enumerable.Range(0, miners).Where(miner => miner != corrupt).Should().OnlyContain(miner => matrix.Opponents(miner) <= 1);
                matrix.Opponents(corrupt).Should().BeGreaterThanOrEqualTo(3);
                if (attack != Attack.RandomCell)
                {
                    matrix.Opponents(corrupt).Should().Be(miners - 1);
                }
            },
            cases: 200);

    [Fact]
    public void Two_who_collude_control_only_the_cell_they_share_and_are_named_for_every_other_that_they_touch() =>
        Gen.Select(Gen.Int[5, 12], Gen.Int[0, int.MaxValue]).ForAll((miners, seed) =>
        {
            var honest = new SimulatedMerge(miners, 500, seed).Run();

            // Both lie about every cell they touch, as owners and as arbiters, and tell the same lie.
            var merge = new SimulatedMerge(miners, 500, seed) { Tamper = (miner, _, copy) => miner is "m00" or "m01" ? Flip(copy) : copy }.Run();
            var shared = merge.Map.Cells.Single(cell => cell.Owners.Contains("m00") && cell.Owners.Contains("m01"));

            merge.Tally.Faulty.Should().Equal("m00", "m01");
            foreach (var cell in merge.Map.Cells)
            {
                var right = honest.Stages["m02"].AsSpan((int)cell.Start, (int)cell.Length).ToArray();
                merge.Stages["m02"].AsSpan((int)cell.Start, (int)cell.Length).ToArray().Should().Equal(cell == shared ? Flip(right) : right);
            }
        });

    [Fact]
    public void Two_who_lie_only_in_the_cell_they_share_are_believed_until_its_arbiter_is_asked() =>
        Gen.Select(Gen.Int[5, 12], Gen.Int[0, int.MaxValue]).ForAll((miners, seed) =>
        {
            var honest = new SimulatedMerge(miners, 500, seed).Run();
            var unasked = Collude(new MergeSettings { AlwaysAskShare = 0 });
            var asked = Collude(new MergeSettings { AlwaysAskShare = 1 });

            // Nobody else has a copy of the cell, so no comparison can tell: only a validator's spot check, or the arbiter.
            unasked.Tally.Faulty.Should().BeEmpty();
            unasked.Tally.Contested.Should().BeEmpty();
            unasked.Stages["m02"].Should().NotEqual(honest.Stages["m02"]);

            // The first arbiter contradicts both, so more are asked until the honest version leads; in it, both differ.
            asked.Tally.Faulty.Should().Equal("m00", "m01");
            asked.Tally.Contested.Should().ContainSingle();
            asked.Stages["m02"].Should().Equal(honest.Stages["m02"]);

            SimulatedMerge Collude(MergeSettings settings) => new SimulatedMerge(miners, 500, seed, settings)
            {
                Tamper = (miner, cell, copy) => cell.Owners.Contains("m00") && cell.Owners.Contains("m01") && miner is "m00" or "m01" ? Flip(copy) : copy,
            }.Run();
        });

    [Fact]
    public void If_the_first_arbiter_alone_decided_two_who_collude_would_have_honest_miners_named()
    {
        var settings = new MergeSettings { AlwaysAskShare = 0, RequiredLead = 1 };
        var merge = new SimulatedMerge(6, 500, 1, settings) { Tamper = (miner, _, copy) => miner is "m00" or "m01" ? Flip(copy) : copy }.Run();

        merge.Tally.Faulty.Except(["m00", "m01"]).Should().NotBeEmpty();
    }

    [Fact]
    public void Three_owners_outvote_one_corrupt_reducer_without_an_arbiters_word_when_a_lead_of_one_will_do()
    {
        var settings = new MergeSettings { Owners = 3, AlwaysAskShare = 0, RequiredLead = 1 };
        var honest = new SimulatedMerge(7, 700, 5, settings).Run();
        var merge = new SimulatedMerge(7, 700, 5, settings) { Tamper = (miner, _, copy) => miner == "m03" ? Flip(copy) : copy }.Run();

        merge.Tally.Faulty.Should().Equal("m03");
        merge.Tally.Copies.Should().HaveCount(3 * 35);
        merge.Stages["m03"].Should().Equal(honest.Stages["m03"]);
    }

    private static float[] Flip(float[] copy) => [.. copy.Select(value => -value)];

    private static float[] Spoil(SimulatedMerge honest, string culprit, Attack attack, MergeCell cell, float[] copy, int seed)
    {
        var random = new Random(seed ^ cell.Index);
        var owned = honest.Map.OwnedBy(culprit).ToArray();
        return attack switch
        {
            Attack.SignFlip => Flip(copy),
            Attack.Scale => [.. copy.Select(value => value * 1.5f)],
            Attack.Noise => [.. copy.Select(value => value * (1 + (0.02f * (random.NextSingle() - 0.5f))))],
            Attack.StaleCopy => honest.LastAgreed.AsSpan((int)cell.Start, (int)cell.Length).ToArray(),
            _ => cell.Index == owned[seed % owned.Length].Index ? [.. copy.Select(_ => random.NextSingle())] : copy,
        };
    }
}
