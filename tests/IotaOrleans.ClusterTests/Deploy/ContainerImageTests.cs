using System.Text.RegularExpressions;
using IotaOrleans.Host;

namespace IotaOrleans.ClusterTests.Deploy;

public sealed class ContainerImageTests
{
    private static readonly string Dockerfile = DeployFiles.Read("Dockerfile");
    private static readonly string TopFolder = Path.GetDirectoryName(DeployFiles.Folder)!;

    public static string UserId { get; } = Regex.Match(Dockerfile, @"(?m)^ARG APP_UID=(\d+)$").Groups[1].Value;

    [Fact]
    public void Ports_are_the_programs()
    {
        Regex.Match(Dockerfile, "(?m)^EXPOSE (.*)$").Groups[1].Value.Split(' ').Select(int.Parse)
            .Should().Equal(HostDefaults.HttpPort, HostDefaults.SiloPort);
    }

    [Fact]
    public void It_starts_the_program_under_its_name_with_a_command_that_it_has()
    {
        Dockerfile.Should().Contain("""ENTRYPOINT ["/opt/iota/iota"]""").And.Contain($"""CMD ["{HostDefaults.ServeCommand}"]""");
        typeof(HostDefaults).Assembly.GetName().Name.Should().Be("iota");
    }

    [Fact]
    public void Variables_are_the_programs_and_runs_are_on_the_volume()
    {
        var variables = Regex.Matches(Dockerfile, @"\b(IOTA_[A-Z_]+)=(\S+)").ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);

        variables.Should().BeEquivalentTo(new Dictionary<string, string>
        {
            [HostDefaults.RunsVariable] = "/var/lib/iota/runs",
            [HostDefaults.HttpAddressVariable] = "0.0.0.0",
        });
        variables.Keys.Should().BeSubsetOf(ProgramVariables.Of("control"));
        Dockerfile.Should().Contain($"VOLUME {variables[HostDefaults.RunsVariable]}");
    }

    [Fact]
    public void It_does_not_run_as_root()
    {
        UserId.Should().NotBeEmpty().And.NotBe("0");
        Regex.Matches(Dockerfile, "(?m)^USER (.*)$").Select(match => match.Groups[1].Value).Should().Equal("${APP_UID}");
    }

    [Fact]
    public void Natives_come_before_the_program_in_a_layer_of_their_own()
    {
        var natives = Dockerfile.IndexOf("COPY --from=build /natives", StringComparison.Ordinal);

        natives.Should().BePositive().And.BeLessThan(Dockerfile.IndexOf("COPY --from=build /publish", StringComparison.Ordinal));
    }

    [Fact]
    public void Everything_that_is_copied_exists_and_passes_the_ignore_file()
    {
        var sources = Regex.Matches(Dockerfile, "(?m)^COPY (?!--from)(.*) [^ ]+$").SelectMany(match => match.Groups[1].Value.Split(' ')).ToList();
        var passed = DeployFiles.Read("Dockerfile.dockerignore").Split('\n').Where(line => line.StartsWith('!'))
            .Select(line => "^" + Regex.Escape(line[1..]).Replace(@"\*", "[^/]*") + "$").ToList();

        sources.Should().HaveCountGreaterThan(5);
        sources.Should().OnlyContain(source => Path.Exists(Path.Combine(TopFolder, source)));
        sources.Should().OnlyContain(source => passed.Any(pattern => Regex.IsMatch(source, pattern)));
    }

    [Fact]
    public void Base_images_are_arguments_of_the_frameworks_version()
    {
        var version = $":{Environment.Version.Major}.{Environment.Version.Minor}";

        Regex.Matches(Dockerfile, "(?m)^FROM (\\S+)").Select(match => match.Groups[1].Value).Should().Equal("${DOTNET_SDK_IMAGE}", "${DOTNET_ASPNET_IMAGE}");
        Regex.Matches(Dockerfile, "(?m)^ARG DOTNET_\\w+_IMAGE=(.*)$").Select(match => match.Groups[1].Value).Should().HaveCount(2)
            .And.OnlyContain(image => image.EndsWith(version, StringComparison.Ordinal));
    }
}
