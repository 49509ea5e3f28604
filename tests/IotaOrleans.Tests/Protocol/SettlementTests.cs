using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.Tests.Protocol;

public sealed class SettlementTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly Gen<RewardClaim> GenWork = Gen.Select(
        Gen.Int[0, 9], Gen.Int[0, 3], Gen.Frequency((1, Gen.Const(0L)), (4, Gen.Long[0, 5_000]), (1, Gen.Long[0, 1L << 50])),
        (miner, stage, passes) => Work($"m{miner}", stage, passes));

    private static readonly Gen<ImmutableArray<RewardClaim>> GenEpoch = GenWork.Array[0, 20].Select(work => work.ToImmutableArray());

    private static readonly Gen<long> GenEmission = Gen.Frequency((3, Gen.Long[0, 1_000_000]), (1, Gen.Long[0, long.MaxValue]));

    [Fact]
    public void Paid_and_burned_add_up_to_the_emission_to_the_unit() =>
        Gen.Select(GenEpoch, GenEmission).ForAll((work, emission) =>
        {
            var settlement = Settlement.Settle("run", 3, emission, work, At);
            var paid = settlement.Payslips.Aggregate(Int128.Zero, (sum, payslip) => sum + payslip.Paid);
            return paid + settlement.Burned == emission && settlement.Payslips.All(payslip => payslip.Paid >= 0);
        });

    [Fact]
    public void Nobody_is_more_than_one_unit_away_from_the_exact_share() =>
        Gen.Select(GenEpoch, GenEmission).ForAll((work, emission) =>
        {
            var total = work.Sum(record => record.BackwardPasses);
            return total == 0 || Settlement.Settle("run", 3, emission, work, At).Payslips.All(payslip =>
                Int128.Abs(((Int128)payslip.Paid * total) - ((Int128)emission * payslip.BackwardPasses)) < total);
        });

    [Fact]
    public void The_order_of_the_records_does_not_matter() =>
        Gen.Select(GenEpoch, GenEmission, Gen.Int).ForAll((work, emission, seed) =>
        {
            var shuffled = work.ToArray();
            new Random(seed).Shuffle(shuffled);
            return Settlement.Settle("run", 3, emission, work, At).Payslips
                .SequenceEqual(Settlement.Settle("run", 3, emission, [.. shuffled], At).Payslips);
        });

    [Fact]
    public void Who_did_no_backward_pass_gets_nothing() =>
        Gen.Select(GenEpoch, GenEmission).ForAll((work, emission) =>
            Settlement.Settle("run", 3, emission, work, At).Payslips.Where(payslip => payslip.BackwardPasses == 0).All(payslip => payslip.Paid == 0));

    [Fact]
    public void An_epoch_without_work_burns_everything()
    {
        var settlement = Settlement.Settle("run", 7, 1_000, [Work("idle", 0, 0)], At);

        settlement.Burned.Should().Be(1_000);
        settlement.Epoch.Should().Be(7);
        settlement.ClosedAt.Should().Be(At);
        settlement.Payslips.Should().ContainSingle().Which.Reason.Should().Be("No backward pass was counted in the epoch: its 1,000 units are burned.");
    }

    [Fact]
    public void The_reason_says_what_was_counted_and_what_share_it_was()
    {
        var settlement = Settlement.Settle("run", 0, 1_000_000, [Work("ada", 1, 1_024), Work("bob", 0, 1_024)], At);

        settlement.Payslips.Select(payslip => (payslip.Miner, payslip.Paid)).Should().Equal(("bob", 500_000), ("ada", 500_000));
        settlement.Payslips[1].Reason.Should().Be("1,024 of 2,048 counted backward passes, on stage 1: 50.0 % of 1,000,000.");
    }

    [Fact]
    public void Equal_remainders_go_to_the_first_miner_by_name_and_the_payslip_says_so()
    {
        var settlement = Settlement.Settle("run", 0, 10, [Work("c", 0, 1), Work("b", 1, 1), Work("B", 2, 1)], At);

        settlement.Payslips.Select(payslip => (payslip.Miner, payslip.Paid)).Should().Equal(("c", 3), ("b", 3), ("B", 4));
        settlement.Payslips[2].Reason.Should().Be("1 of 3 counted backward passes, on stage 2: 33.3 % of 10, rounded up.");
    }

    [Fact]
    public void Several_records_of_a_miner_on_a_stage_make_one_payslip()
    {
        var settlement = Settlement.Settle("run", 0, 100, [Work("a", 0, 1), Work("a", 0, 2), Work("a", 1, 3)], At);

        settlement.Payslips.Select(payslip => (payslip.Stage, payslip.BackwardPasses, payslip.Tokens, payslip.Paid)).Should().Equal((0, 3, 30, 50), (1, 3, 30, 50));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(1, -1)]
    public void Negative_amounts_are_refused(long emission, long passes)
    {
        var settle = () => Settlement.Settle("run", 0, emission, [Work("a", 0, passes)], At);

        settle.Should().Throw<ArgumentOutOfRangeException>();
    }

    private static RewardClaim Work(string miner, int stage, long passes) =>
        new(miner, stage, passes, passes * 10);
}
