using System.CommandLine;
using IotaOrleans.Host;
using IotaOrleans.Host.CommandLine.Cluster;
using IotaOrleans.Host.CommandLine.Settings;

namespace IotaOrleans.ClusterTests.Deploy;

/// <summary>The environment variables that the program's commands really read, taken from their options.</summary>
public sealed class ProgramVariables
{
    [Fact]
    public void The_documented_names_are_read_by_the_commands()
    {
        Of("control").Should().Contain([
            HostDefaults.AdvertisedAddressVariable, HostDefaults.SiloPortVariable, HostDefaults.TensorPortVariable, HostDefaults.TransportVariable,
            HostDefaults.HttpAddressVariable, HostDefaults.HttpPortVariable,
            HostDefaults.DashboardTokenVariable, HostDefaults.RunsVariable, HostDefaults.OtlpEndpointVariable]);
        Of("miner").Should().Contain([
            HostDefaults.AdvertisedAddressVariable, HostDefaults.SiloPortVariable, HostDefaults.TensorPortVariable, HostDefaults.TransportVariable,
            HostDefaults.ClusterVariable, HostDefaults.MinerVariable]);
    }

    internal static IReadOnlyList<string> Of(string role)
    {
        Command command = role == "control" ? new ServeCommand() : new JoinCommand();
        command.Name.Should().Be(role == "control" ? HostDefaults.ServeCommand : HostDefaults.JoinCommand);
        return [.. command.Options.OfType<ISetting>().Select(setting => setting.Variable).OfType<string>()];
    }
}
