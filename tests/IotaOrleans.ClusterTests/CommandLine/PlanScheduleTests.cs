using System.Text.Json;
using System.Xml.Linq;

namespace IotaOrleans.ClusterTests.CommandLine;

[Collection(ProgramGroup.Name)]
public sealed class PlanScheduleTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public async Task AScheduleIsDrawnWithLettersWhereThereIsNoTerminal()
    {
        var result = await IotaProcess.RunAsync(folder.Path, "plan", "schedule", "--schedule", "zb-h1", "--stages", "2", "--micro-batches", "4");

        result.ExitCode.Should().Be(0, result.ToString());
        result.Errors.Should().BeEmpty();
        result.Text.Should().NotContain("\u001b").And.Contain("by (p−1)(T_F+T_B−T_W) in Qi et al., 2023");
        result.Output.Should().Contain("rank 0   F0 F1 ·  B0 W0 F2 B1 W1 F3 B2 W2 B3 W3  2");
        result.Output.Should().Contain("rank 1   ·  F0 B0 F1 B1 W0 F2 B2 W1 F3 B3 W2 W3  2");
        result.Output.Should().ContainSingle(line => line.Contains("▸ zb-h1", StringComparison.Ordinal)).Which.Should().MatchRegex(@"13 │ +1 │ +7\.7 % │ +7\.7 % │ +2 │ +0\.867");
    }

    [Fact]
    public async Task TheSameAsOneJsonObject()
    {
        var result = await IotaProcess.RunAsync(folder.Path, "IOTA_STAGES=8", "plan", "schedule", "--micro-batches", "16", "--json");

        result.ExitCode.Should().Be(0, result.ToString());
        var plan = JsonDocument.Parse(result.Output.Should().ContainSingle().Subject).RootElement;
        plan.GetProperty("schedule").GetString().Should().Be("1f1b");
        plan.GetProperty("bubble").GetDouble().Should().BeApproximately(7.0 / 23, 1e-12);
        plan.GetProperty("formula").GetProperty("bubble").GetDouble().Should().BeApproximately(7.0 / 23, 1e-12);
        plan.GetProperty("ranks").EnumerateArray().Select(rank => rank.GetProperty("peakLive").GetDouble()).Should().Equal(8, 7, 6, 5, 4, 3, 2, 1);
        plan.GetProperty("ranks")[7].GetProperty("passes").EnumerateArray().Take(4).Select(pass => pass.GetProperty("pass").GetString()).Should().Equal("F0", "B0", "F1", "B1");
        plan.GetProperty("comparison").EnumerateArray().ToDictionary(it => it.GetProperty("schedule").GetString()!, it => it.GetProperty("idle").GetDouble())
            .Should().BeEquivalentTo(new Dictionary<string, double> { ["gpipe"] = 21, ["1f1b"] = 21, ["interleaved"] = 10.5, ["zb-h1"] = 7, ["zb-h2"] = 0, ["zb-2p"] = 0 });
    }

    [Fact]
    public async Task ThePictureHoldsEveryPassAndNeedsNothingElse()
    {
        var result = await IotaProcess.RunAsync(folder.Path, "plan", "schedule", "--schedule", "interleaved", "--stages", "2", "--micro-batches", "4", "--svg", "picture.svg");

        result.ExitCode.Should().Be(0, result.ToString());
        result.Output[^1].Should().Be("picture    picture.svg");
        var text = await File.ReadAllTextAsync(folder.In("picture.svg"));
        text.Replace(Svg.NamespaceName, "", StringComparison.Ordinal).Should().NotContainAny("http", "href", "@import");
        var titles = XDocument.Parse(text).Descendants(Svg + "title").Select(title => title.Value).ToArray();
        titles[0].Should().Be("interleaved ×2 on 2 ranks, 4 micro-batches");
        titles.Should().Contain("F0 on rank 0: 0 to 0.5").And.Contain(title => title.StartsWith("B3.1 on rank 1: ", StringComparison.Ordinal));
        titles.Count(title => title.Contains(" on rank ", StringComparison.Ordinal)).Should().Be(2 * 4 * 2 * 2);
    }

    [Fact]
    public async Task AScheduleThatDoesNotExistInThisShapeIsLeftOutOfTheComparison()
    {
        var result = await IotaProcess.RunAsync(folder.Path, "plan", "schedule", "--stages", "4", "--micro-batches", "6");

        result.ExitCode.Should().Be(0, result.ToString());
        result.Output[^1].Should().EndWith("6 do not divide into groups of 4");
    }

    [Fact]
    public async Task ThePlanCommandNamesWhatItPlans()
    {
        var result = await IotaProcess.RunAsync(folder.Path, "plan");

        result.ExitCode.Should().Be(0);
        result.Text.Should().Contain("iota plan <command>");
        result.Output.Should().Contain(line => line.StartsWith("  schedule ", StringComparison.Ordinal));
    }
}
