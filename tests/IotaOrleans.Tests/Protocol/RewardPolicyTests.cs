using CsCheck;
using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.Tests.Protocol;

public sealed class RewardPolicyTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly Gen<RewardPolicy> GenPolicy = Gen.Select(
        Gen.Frequency((3, Gen.Long[0, 1_000_000]), (1, Gen.Long[0, long.MaxValue])), Gen.Int[0, RewardPolicy.Whole], Gen.Int[1, RewardPolicy.Whole],
        (emission, burn, largest) => new RewardPolicy { Emission = emission, Burn = burn, LargestShare = largest });

    private static readonly Gen<RewardClaim[]> GenClaims = Gen.Select(
        Gen.Int[0, 9], Gen.Int[0, 3], Gen.Long[0, 5_000], Gen.Long[0, 5_000], Gen.Bool,
        (miner, stage, passes, earlier, punished) => new RewardClaim($"m{miner}", stage, passes, passes * 10, earlier, punished && miner < 2 ? "Found cheating." : null)).Array[0, 20];

    [Fact]
    public void Whatever_the_rules_the_sum_of_paid_and_burned_is_the_emission_and_nobody_passes_the_bound() =>
        Gen.Select(GenPolicy, GenClaims).ForAll((policy, claims) =>
        {
            var settlement = Settlement.Settle("run", 0, policy, claims, At);
            var most = (Int128)policy.Emission * policy.LargestShare / RewardPolicy.Whole;
            var paid = settlement.Payslips.Aggregate(Int128.Zero, (sum, slip) => sum + slip.Paid);
            return paid + settlement.Burned == policy.Emission
                && settlement.Burned >= (Int128)policy.Emission * policy.Burn / RewardPolicy.Whole
                && settlement.Payslips.All(slip => slip.Paid >= 0)
                && settlement.Payslips.GroupBy(slip => slip.Miner).All(own => own.Sum(slip => slip.Paid) <= most);
        });

    [Fact]
    public void What_a_punished_miner_loses_goes_to_those_who_worked()
    {
        var settlement = Settlement.Settle("run", 0, 900, [new("ada", 0, 10, 100), new("bob", 0, 20, 200), new("eve", 0, 70, 700, Penalty: "Its gradient was not one.")], At);

        settlement.Payslips.Select(slip => (slip.Miner, slip.Paid)).Should().Equal(("ada", 300), ("bob", 600), ("eve", 0));
        settlement.Payslips[2].Reason.Should().Be("Its gradient was not one.");
        settlement.Burned.Should().Be(0);
    }

    [Fact]
    public void Burn_cap_and_window_are_said_in_the_reason()
    {
        var policy = new RewardPolicy { Emission = 1_000, Burn = 100_000, LargestShare = 500_000, Window = 3 };

        var settlement = Settlement.Settle("run", 0, policy, [new("ada", 0, 30, 300, EarlierPasses: 60), new("bob", 1, 10, 100)], At);

        settlement.Payslips[0].Paid.Should().Be(500);
        settlement.Payslips[0].Reason.Split('\n').Should().Equal(
            "90 of 100 counted backward passes in 3 epochs, on stage 0: 90.0 % of 900.",
            "No miner gets more than 50.0 % of the emission: 310 units above that are burned.");
        settlement.Payslips[1].Paid.Should().Be(90);
        settlement.Burned.Should().Be(410);
    }

    [Theory]
    [InlineData(-1, 1, 1)]
    [InlineData(1_000_001, 1, 1)]
    [InlineData(0, 0, 1)]
    [InlineData(0, 1_000_001, 1)]
    [InlineData(0, 1, 0)]
    public void Rules_out_of_their_range_are_refused(int burn, int largest, int window) =>
        FluentActions.Invoking(() => Settlement.Settle("run", 0, new RewardPolicy { Emission = 1, Burn = burn, LargestShare = largest, Window = window }, [], At))
            .Should().Throw<ArgumentOutOfRangeException>();

    [Fact]
    public void Chain_weights_are_scaled_to_the_largest_and_leave_out_what_is_nothing()
    {
        var weights = ChainWeights.Of([(7, 50), (3, 100), (5, 0), (9, 33)]);

        weights.Uids.Should().Equal(3, 7, 9);
        weights.Values.Should().Equal(65_535, 32_768, 21_627);
    }

    [Fact]
    public void Chain_weights_keep_the_order_of_pay() =>
        Gen.Long[0, long.MaxValue].Array[1, 50].ForAll(amounts =>
        {
            var weights = ChainWeights.Of(amounts.Select((amount, uid) => ((ushort)uid, amount)));
            var ordered = weights.Uids.Zip(weights.Values).OrderByDescending(entry => amounts[entry.First]).Select(entry => entry.Second).ToArray();
            return ordered.SequenceEqual(ordered.OrderDescending()) && (amounts.Max() == 0 ? weights.Uids.IsEmpty : ordered[0] == ushort.MaxValue);
        });

    [Fact]
    public void A_uid_belongs_to_one_miner() =>
        FluentActions.Invoking(() => ChainWeights.Of([(1, 2), (1, 3)])).Should().Throw<ArgumentException>();
}
