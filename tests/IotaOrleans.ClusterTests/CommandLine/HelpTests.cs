using IotaOrleans.Host;

namespace IotaOrleans.ClusterTests.CommandLine;

[Collection(ProgramGroup.Name)]
public sealed class HelpTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Theory]
    [InlineData("train")]
    [InlineData("sample")]
    [InlineData("eval")]
    [InlineData("check-model")]
    [InlineData("status")]
    [InlineData("doctor")]
    [InlineData("serve")]
    [InlineData("join")]
    [InlineData("plan", "schedule")]
    [InlineData("export")]
    [InlineData("import")]
    [InlineData("audit")]
    [InlineData("checkpoints", "list")]
    [InlineData("checkpoints", "verify")]
    [InlineData("checkpoints", "prune")]
    public async Task EveryOptionStandsBesideItsVariable(params string[] command)
    {
        var help = await IotaProcess.RunAsync(folder.Path, [.. command, "--help"]);

        help.ExitCode.Should().Be(0);
        help.Errors.Should().BeEmpty();
        var text = string.Join(' ', help.Text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        var options = help.Output.Select(line => line.TrimStart()).Where(line => line.StartsWith("--", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]).ToArray();
        options.Should().NotBeEmpty();
        foreach (var option in options)
        {
            text.Should().Contain($"IOTA_{option[2..].Replace('-', '_').ToUpperInvariant()}]");
        }
    }

    [Fact]
    public async Task TheProgramNamesItsCommands()
    {
        var help = await IotaProcess.RunAsync(folder.Path);

        help.ExitCode.Should().Be(0);
        foreach (var command in new[] { "train", "sample", "eval", "check-model", "export", "import", "checkpoints", "audit", "plan", "status", "doctor", HostDefaults.ServeCommand, HostDefaults.JoinCommand })
        {
            help.Output.Should().Contain(line => line.StartsWith($"  {command} ", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task HelpIsShownWhateverElseIsWrong()
    {
        var help = await IotaProcess.RunAsync(folder.Path, "train", "--nonsense", "--help");

        help.ExitCode.Should().Be(0);
        help.Text.Should().Contain("iota train [options]");
    }

    [Fact]
    public async Task TheVersionNamesWhatItStandsOn()
    {
        var version = await IotaProcess.RunAsync(folder.Path, "--version");

        version.ExitCode.Should().Be(0);
        version.Output.Should().ContainSingle().Which.Should().MatchRegex(@"^iota \d+\.\d+\.\d+ \(\.NET \S+, Orleans \d+\.\d+\.\d+\)$");
    }

    [Fact]
    public async Task NoRunsYetIsNotAnError()
    {
        var status = await IotaProcess.RunAsync(folder.Path, "status", "--runs", "nothing-here");

        status.ExitCode.Should().Be(0);
        status.Output.Should().Equal("no runs in nothing-here yet; 'iota train' starts one");
    }
}
