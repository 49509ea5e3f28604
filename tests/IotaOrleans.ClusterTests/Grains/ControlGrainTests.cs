namespace IotaOrleans.ClusterTests.Grains;

public sealed class ControlGrainTests(ControlCluster cluster) : IClassFixture<ControlCluster>
{
    private static readonly Payslip Slip = new("ada", 1, 8, 512, 10, "Work.");

    [Fact]
    public async Task An_epoch_closes_once_and_keeps_its_first_settlement()
    {
        var epoch = cluster.Grains.GetGrain<IRewardEpochGrain>("once/4");
        (await epoch.GetAsync()).Should().BeNull();

        await cluster.Ledger.AppendAsync([Receipt("ada", 1)]);
        var first = await epoch.CloseAsync(new RewardPolicy { Emission = 1_000 });
        await cluster.ReloadAsync(epoch);
        await cluster.Ledger.AppendAsync([Receipt("eve", 2)]);
        var second = await epoch.CloseAsync(new RewardPolicy { Emission = 9_999 });

        (first.Run, first.Epoch, first.Burned).Should().Be(("once", 4, 0));
        first.Payslips.Should().ContainSingle().Which.Should().BeEquivalentTo(new { Miner = "ada", Stage = 1, Paid = 1_000L });
        second.Should().BeEquivalentTo(first);
        (await epoch.GetAsync()).Should().BeEquivalentTo(first);
    }

    [Fact]
    public async Task A_miner_counts_an_epoch_of_a_run_once_even_after_a_reload()
    {
        var miner = cluster.Grains.GetGrain<IMinerGrain>("ada");

        await miner.AddEpochAsync("run", 0, Slip);
        await miner.AddEpochAsync("run", 1, Slip);
        await cluster.ReloadAsync(miner);
        await miner.AddEpochAsync("run", 0, Slip);
        await miner.AddEpochAsync("run", 1, Slip with { Stage = 2, Paid = 5 });
        await miner.AddEpochAsync("other", 0, Slip with { Paid = 1 });

        var state = await miner.GetAsync();
        (state.Miner, state.Earned, state.BackwardPasses, state.Tokens).Should().Be(("ada", 26, 32, 2_048));
    }

    [Fact]
    public async Task A_miner_remembers_its_silo_and_its_stage()
    {
        var miner = cluster.Grains.GetGrain<IMinerGrain>("bob");
        (await miner.GetAsync()).Should().BeEquivalentTo(new MinerState { Miner = "bob" });

        var capability = new MinerCapability("silo", 2, 1 << 30);
        await miner.ReportAsync(capability);
        await miner.AssignAsync("run", 3);
        await cluster.ReloadAsync(miner);

        var state = await miner.GetAsync();
        (state.Capability, state.Run, state.Stage).Should().Be((capability, "run", 3));
        state.LastSeen.Should().NotBeNull();
    }

    [Fact]
    public async Task A_stage_keeps_its_canonical_step_when_another_miner_takes_over()
    {
        var stage = cluster.Grains.GetGrain<IStageGrain>("run/1");
        (await stage.GetAsync()).Should().BeNull();
        var early = () => stage.CommitAsync(1);
        (await early.Should().ThrowAsync<IotaException>()).Which.ExitCode.Should().Be(ExitCode.RunState);

        await stage.AssignAsync(new BlockRange(2, 3), ["ada"]);
        await stage.CommitAsync(500);
        await cluster.ReloadAsync(stage);
        await stage.AssignAsync(new BlockRange(2, 3), ["bob"]);

        (await stage.GetAsync()).Should().BeEquivalentTo(new StageState(new BlockRange(2, 3), ["bob"], 500));
    }

    private static WorkReceipt Receipt(string miner, long number) =>
        new() { Run = "once", Epoch = 4, Kind = ReceiptKind.Backward, Number = number, Stage = 1, Miner = miner, Tokens = 512 };

    [Fact]
    public async Task The_catalog_lists_each_run_once_oldest_first()
    {
        var catalog = cluster.Grains.GetGrain<IRunCatalogGrain>("a catalog of its own");

        await catalog.AddAsync("zeta");
        await catalog.AddAsync("alpha");
        await cluster.ReloadAsync(catalog);
        await catalog.AddAsync("zeta");

        (await catalog.ListAsync()).Should().Equal("zeta", "alpha");
    }
}
