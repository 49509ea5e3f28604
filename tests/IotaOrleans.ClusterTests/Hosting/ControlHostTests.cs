using IotaOrleans.ClusterTests.CommandLine;
using IotaOrleans.Host.Hosting;

namespace IotaOrleans.ClusterTests.Hosting;

[Collection(ProgramGroup.Name)]
public sealed class ControlHostTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Fact]
    public async Task A_silo_that_is_known_to_be_gone_is_forgotten_at_once()
    {
        var endpoints = SiloEndpoints.NewCluster();
        await using var host = await ControlHost.StartAsync(
            new ControlHostOptions { Endpoints = endpoints, Database = folder.In("state.db"), Logging = new HostLogging { Notice = _ => { } } }, CancellationToken.None);
        using var miner = IotaProcess.Start(folder.Path, "join", "--cluster", $"{endpoints.Primary}", "--cluster-id", endpoints.ClusterId, "--miner", "ada", ChildSilo.SiloNameOption, "ada-1");
        await MinerPresence.WaitForAsync(host.Grains, "ada", DateTimeOffset.MinValue, CancellationToken.None);
        miner.Kill(withChildren: false);
        (await host.FindLostAsync(["ada"], TimeSpan.Zero, CancellationToken.None)).Should().BeEmpty("probes have not found out yet");

        await host.ForgetSiloAsync("ada-1", CancellationToken.None);

        (await host.FindLostAsync(["ada"], TimeSpan.Zero, CancellationToken.None)).Should().Equal("ada");
    }
}
