using System.Text.Json;

namespace IotaOrleans.ClusterTests.CommandLine;

[Collection(ProgramGroup.Name)]
public sealed class DoctorTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Fact]
    public async Task AMachineThatTrainsPassesAndIsLeftAsItWas()
    {
        var before = Directory.GetFileSystemEntries(folder.Path);

        var result = await IotaProcess.RunAsync(folder.Path, "doctor", "--json");

        result.ExitCode.Should().Be(0, result.ToString());
        var report = JsonDocument.Parse(result.Text).RootElement;
        report.GetProperty("passed").GetBoolean().Should().BeTrue();
        var findings = report.GetProperty("findings").EnumerateArray().ToDictionary(finding => finding.GetProperty("check").GetString()!);
        findings.Keys.Should().Contain([".NET", "libtorch", "memory", "disk", "storage", "loopback", "ports", "data", "clock"]);
        findings["libtorch"].GetProperty("detail").GetString().Should().StartWith("2.10");
        Directory.GetFileSystemEntries(folder.Path).Should().Equal(before);
    }

    [Fact]
    public async Task WhatIsWrongComesWithItsRemedy()
    {
        var result = await IotaProcess.RunAsync(folder.Path, "doctor", "--runs", "text.txt");

        result.ExitCode.Should().Be((int)ExitCode.Failed);
        var line = result.Output.Should().ContainSingle(line => line.StartsWith("✗ storage", StringComparison.Ordinal)).Subject;
        result.Output[result.Output.ToList().IndexOf(line) + 1].Should().Contain("→ make the folder writable, or choose another with --runs");
        result.Output[^1].Should().Be("1 of 10 checks failed");
        File.Exists(folder.In("text.txt")).Should().BeTrue();
    }
}
