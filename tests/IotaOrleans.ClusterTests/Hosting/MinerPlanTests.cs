using IotaOrleans.Host.Hosting;

namespace IotaOrleans.ClusterTests.Hosting;

public sealed class MinerPlanTests
{
    private static readonly string[] Miners = ["miner-1", "miner-2", "miner-3", "miner-4", "miner-5"];

    [Fact]
    public void WithoutSilosAllMinersAreEmbedded()
    {
        var plan = MinerPlan.Deal(Miners, 0);

        plan.Embedded.Should().Equal(Miners);
        plan.Silos.Should().BeEmpty();
    }

    [Fact]
    public void StagesAreDealtInTurn()
    {
        var plan = MinerPlan.Deal(Miners, 2);

        plan.Embedded.Should().BeEmpty();
        plan.Silos.Should().HaveCount(2);
        plan.Silos[0].Should().Equal("miner-1", "miner-3", "miner-5");
        plan.Silos[1].Should().Equal("miner-2", "miner-4");
    }

    [Fact]
    public void NoSiloIsStartedForNothing() => MinerPlan.Deal(Miners, 8).Silos.Should().HaveCount(5).And.OnlyContain(miners => miners.Count == 1);
}
