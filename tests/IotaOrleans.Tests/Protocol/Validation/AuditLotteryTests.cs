using System.Security.Cryptography;
using IotaOrleans.Protocol.Validation;
using Xunit.Abstractions;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class AuditLotteryTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(0.01)]
    [InlineData(0.02)]
    [InlineData(0.05)]
    [InlineData(0.2)]
    public void Who_cheats_in_n_segments_is_drawn_with_the_chance_that_the_formula_says(double rate)
    {
        const int Epochs = 4000;
        foreach (var segments in new[] { 1, 10, 50 })
        {
            var found = Enumerable.Range(0, Epochs).Count(epoch =>
                Enumerable.Range(0, segments).Any(segment => AuditLottery.IsDrawn(Secret(epoch), new ShardKey("run", 1, "eve"), segment, rate)));

            var expected = AuditLottery.DetectionProbability(rate, segments);
            output.WriteLine($"q = {rate}, n = {segments}: found in {found / (double)Epochs:0.000} of the epochs, 1 − (1 − q)ⁿ = {expected:0.000}");
            var deviation = Math.Sqrt(expected * (1 - expected) / Epochs);
            (found / (double)Epochs).Should().BeApproximately(expected, 4 * deviation);
        }
    }

    [Fact]
    public void Everybody_sees_afterwards_who_was_drawn_and_nobody_before()
    {
        var secret = Secret(1);
        var shard = new ShardKey("run", 0, "ada");

        AuditLottery.Commit(secret).Should().Equal(SHA256.HashData(secret), "the commitment determines the secret");
        var drawn = Enumerable.Range(0, 1000).Where(segment => AuditLottery.IsDrawn(secret, shard, segment, 0.1)).ToArray();
        drawn.Should().Equal(Enumerable.Range(0, 1000).Where(segment => AuditLottery.IsDrawn(secret, shard, segment, 0.1)));
        drawn.Should().NotEqual(Enumerable.Range(0, 1000).Where(segment => AuditLottery.IsDrawn(Secret(2), shard, segment, 0.1)));
        drawn.Should().NotEqual(Enumerable.Range(0, 1000).Where(segment => AuditLottery.IsDrawn(secret, shard with { Miner = "bob" }, segment, 0.1)));
    }

    [Theory]
    [InlineData(0, 0, false, 1)]
    [InlineData(1, 0, false, 0.05)]
    [InlineData(3, 2, false, 0.05)]
    [InlineData(3, 3, false, 0.01)]
    [InlineData(100, 100, true, 1)]
    public void First_segments_and_those_of_suspects_are_always_checked_and_newcomers_more_often(int drawn, int passed, bool isSuspected, double rate) =>
        AuditLottery.Rate(new ValidationSettings { Rate = 0.01, NewcomerFactor = 5, Probation = 3 }, drawn, passed, isSuspected).Should().BeApproximately(rate, 1e-12);

    [Fact]
    public void Nothing_is_drawn_at_rate_zero_and_everything_at_one()
    {
        var shard = new ShardKey("run", 0, "ada");

        Enumerable.Range(0, 1000).Should().NotContain(segment => AuditLottery.IsDrawn(Secret(3), shard, segment, 0));
        Enumerable.Range(0, 1000).Should().OnlyContain(segment => AuditLottery.IsDrawn(Secret(3), shard, segment, 1));
    }

    private static byte[] Secret(int seed) => SHA256.HashData(BitConverter.GetBytes(seed));
}
