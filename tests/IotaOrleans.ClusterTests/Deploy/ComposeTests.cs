using System.Globalization;
using IotaOrleans.Host;

namespace IotaOrleans.ClusterTests.Deploy;

public sealed class ComposeTests
{
    private static readonly IReadOnlyDictionary<string, YamlValue> Services = DeployFiles.Yaml("compose.yaml").Single()["services"].Map;

    [Fact]
    public void A_control_silo_and_two_miners_run_their_commands()
    {
        Services.ToDictionary(service => service.Key, service => service.Value["command"].ItemTexts.Single()).Should().BeEquivalentTo(new Dictionary<string, string>
        {
            ["control"] = HostDefaults.ServeCommand,
            ["miner-1"] = HostDefaults.JoinCommand,
            ["miner-2"] = HostDefaults.JoinCommand,
        });
    }

    [Fact]
    public void Containers_are_given_only_variables_that_their_commands_read()
    {
        foreach (var (name, service) in Services)
        {
            service["environment"].Map.Keys.Should().BeSubsetOf(ProgramVariables.Of(name == "control" ? "control" : "miner"), name);
        }
    }

    [Fact]
    public void Miners_join_the_control_silo_under_names_of_their_own()
    {
        var miners = Services.Where(service => service.Key != "control").ToList();

        miners.Should().OnlyContain(miner => miner.Value["environment"].Texts[HostDefaults.ClusterVariable] == $"control:{HostDefaults.SiloPort}");
        miners.Select(miner => miner.Value["environment"].Texts[HostDefaults.MinerVariable]).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void The_control_silo_advertises_the_address_that_it_has()
    {
        var control = Services["control"];

        control["environment"].Texts[HostDefaults.AdvertisedAddressVariable].Should().Be(control["networks.swarm.ipv4_address"].Text);
        control["environment"].Texts[HostDefaults.SiloPortVariable].Should().Be(HostDefaults.SiloPort.ToString(CultureInfo.InvariantCulture));
        control["environment"].Texts[HostDefaults.HttpAddressVariable].Should().Be("0.0.0.0");
    }

    [Fact]
    public void The_page_is_published_on_this_machine_only()
    {
        var port = HostDefaults.HttpPort.ToString(CultureInfo.InvariantCulture);

        Services["control"]["ports"].ItemTexts.Should().Equal($"127.0.0.1:{port}:{port}");
        Services["control"]["environment"].Texts[HostDefaults.HttpPortVariable].Should().Be(port);
        Services.Where(service => service.Key != "control").Should().OnlyContain(miner => miner.Value["ports"].Value == null);
    }

    [Fact]
    public void Only_the_control_silo_writes_to_the_runs()
    {
        var runs = Services["control"]["environment"].Texts[HostDefaults.RunsVariable];

        Services["control"]["volumes"].ItemTexts.Should().Equal($"runs:{runs}");
        Services.Where(service => service.Key != "control").Should().OnlyContain(miner => miner.Value["volumes"].ItemTexts.Single() == $"runs:{runs}:ro");
    }

    [Fact]
    public void Every_container_is_locked_down() =>
        Services.Values.Should().OnlyContain(service => service["read_only"].Text == "true" && service["cap_drop"].ItemTexts.Single() == "ALL");
}
