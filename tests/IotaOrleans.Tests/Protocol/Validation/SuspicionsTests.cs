using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class SuspicionsTests
{
    private readonly Suspicions _suspicions = new();

    [Fact]
    public void Nobody_is_suspected_until_something_speaks_against_it()
    {
        _suspicions.IsSuspected("miner").Should().BeFalse();
        _suspicions.IsJudgedBy("miner", 0).Should().BeFalse();
        _suspicions.CanBeSuspected("miner", 0).Should().BeTrue();
    }

    [Fact]
    public void Whoever_passes_enough_checks_is_cleared_and_trusted_for_a_while()
    {
        _suspicions.Add("miner", from: 3);

        Pass(3, 4, 5, 6);
        _suspicions.IsSuspected("miner").Should().BeTrue();
        _suspicions.CanBeSuspected("miner", 1000).Should().BeFalse("it is one already");
        Pass(7);

        _suspicions.IsSuspected("miner").Should().BeFalse();
        _suspicions.CanBeSuspected("miner", 100 + Suspicions.StepsOfTrust - 1).Should().BeFalse();
        _suspicions.CanBeSuspected("miner", 100 + Suspicions.StepsOfTrust).Should().BeTrue();
    }

    [Fact]
    public void What_was_handed_in_before_clears_nobody()
    {
        _suspicions.Add("miner", from: 7);

        Pass(1, 2, 3, 4, 5, 6);

        _suspicions.IsSuspected("miner").Should().BeTrue();
        Pass(7, 8, 9, 10, 11);
        _suspicions.IsSuspected("miner").Should().BeFalse();
    }

    [Fact]
    public void Whoever_is_suspected_once_more_must_pass_all_checks_again()
    {
        _suspicions.Add("miner", from: 0);
        Pass(0, 1, 2, 3);

        _suspicions.Add("miner", from: 6);

        Pass(4, 5, 6, 7, 8, 9);
        _suspicions.IsSuspected("miner").Should().BeTrue();
    }

    [Fact]
    public void A_miner_that_begins_anew_is_judged_by_its_first_segments()
    {
        _suspicions.Add("miner", from: 50);

        _suspicions.BeginAnew("miner");

        _suspicions.IsJudgedBy("miner", 0).Should().BeTrue();
        _suspicions.BeginAnew("another");
        _suspicions.IsSuspected("another").Should().BeFalse();
    }

    private void Pass(params long[] segments)
    {
        foreach (var segment in segments)
        {
            _suspicions.NotePassed("miner", segment, step: 100);
        }
    }
}
