using System.Text.Json;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>Checks of a real run, made again by the real program from the files that the run left.</summary>
[Collection(ProgramGroup.Name)]
public sealed class VerifyTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Fact]
    public async Task Checks_of_a_run_are_made_again_and_come_out_as_they_did()
    {
        var run = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train(
            "checked", "--mode", "elastic", "--miners", "4", "--adversary", "free-rider:1", "--validation-rate", "1", "--keep-checks", "--steps", "60", "--no-rebalance", "--no-http"));
        run.ExitCode.Should().Be(0, run.ToString());
        var events = run.Events();
        var cheat = events[0].GetProperty("adversaries")[0].GetProperty("miner").GetString()!;
        var files = Directory.GetFiles(folder.In("runs/checked/checks"), "*.zip").Select(file => Path.GetRelativePath(folder.Path, file)).Order(StringComparer.Ordinal).ToArray();
        var wrong = files.Single(file => Path.GetFileName(file).StartsWith(cheat, StringComparison.Ordinal));
        var right = files.Except([wrong]).ToArray();
        right.Should().NotBeEmpty();

        var good = await IotaProcess.RunAsync(folder.Path, ["verify", .. right]);
        good.ExitCode.Should().Be(0, good.ToString());
        good.Output.Should().HaveCount(right.Length).And.OnlyContain(line => line.Contains(": right: segment ") && line.Contains("came out as it was handed in") && line.EndsWith("then: right)"));

        var all = await IotaProcess.RunAsync(folder.Path, ["verify", "--json", .. files]);
        all.ExitCode.Should().Be(1, "one of them is wrong");
        var verdicts = all.Output.Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(line => line.GetProperty("file").GetString()!, line => line.GetProperty("verdict"));
        verdicts.Keys.Should().BeEquivalentTo(files);
        verdicts.Where(entry => entry.Value.GetProperty("outcome").GetString() != "passed").Select(entry => entry.Key).Should().Equal(wrong);
        verdicts[wrong].GetProperty("finding").GetString().Should().Be(
            events.Where(happened => happened.GetProperty("event").GetString() == "audit").Select(audit => audit.GetProperty("verdict")).Single(verdict => verdict.GetProperty("outcome").GetString() == "wrong").GetProperty("finding").GetString());
    }

    [Fact]
    public async Task What_is_no_bundle_is_named()
    {
        await File.WriteAllTextAsync(folder.In("no-bundle.zip"), "nothing of the kind");

        foreach (var file in new[] { "no-bundle.zip", "missing.zip" })
        {
            var result = await IotaProcess.RunAsync(folder.Path, "verify", file);

            result.ExitCode.Should().Be(3, result.ToString());
            result.Errors.Should().ContainSingle().Which.Should().StartWith("error: ").And.Contain(file);
        }
    }
}
