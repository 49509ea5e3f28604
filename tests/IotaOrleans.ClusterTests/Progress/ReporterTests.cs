using System.Collections.Immutable;
using System.Text.Json;
using IotaOrleans.Host.CommandLine;
using IotaOrleans.Host.Progress;

namespace IotaOrleans.ClusterTests.Progress;

public sealed class ReporterTests
{
    private static readonly RunStarted Started = new()
    {
        Run = "brisk-otter",
        Steps = 100,
        Parameters = 857_216,
        TokensPerStep = 768,
        Stages = [new StageView(0, new BlockRange(0, 2), "miner-1", 428_544, 0), new StageView(1, new BlockRange(2, 2), "miner-2", 428_672, 0)],
    };

    private static readonly RunFinished Finished = new()
    {
        Step = 100,
        ValidationLoss = 1.5,
        TokensPerSecond = 12_345.6,
        Checkpoint = "/runs/brisk-otter/checkpoints/step-00000100",
        Rewards = [new MinerReward("miner-1", 0, 600, 76_800, 500_000)],
        Seconds = 61,
    };

    [Fact]
    public async Task TheLastJsonLineIsTheResultWithTheSample()
    {
        var output = new StringWriter();
        var messages = new StringWriter();
        await using var reporter = new JsonReporter(output, messages, quiet: false);

        reporter.Fact("data", "text.txt");
        await reporter.ReportAsync(Started);
        await reporter.ReportAsync(Step(1, double.NaN));
        await reporter.ReportAsync(Finished);
        await reporter.EndAsync(new RunEnding(Finished, "Once — upon \"a\" time", null));

        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Should().HaveCount(3).And.OnlyContain(line => line.StartsWith("""{"event":"""));
        lines[1].Should().Contain("\"loss\":\"NaN\"", "a loss that is no number is no reason to lose the line");
        lines[2].Should().Contain("Once — upon");
        var result = JsonDocument.Parse(lines[2]).RootElement;
        result.GetProperty("event").GetString().Should().Be("finished");
        result.GetProperty("sample").GetString().Should().Be("Once — upon \"a\" time");
        result.GetProperty("rewards")[0].GetProperty("paid").GetInt64().Should().Be(500_000);
        messages.ToString().Should().Be("data: text.txt" + Environment.NewLine);
    }

    [Fact]
    public async Task PlainLinesComeAtTheAskedIntervalAndAtEvaluations()
    {
        var output = new StringWriter();
        await using var reporter = new PlainReporter(Consoles.Create(output, redirected: true), TextWriter.Null, logInterval: 10, quiet: false);

        await reporter.ReportAsync(Started);
        for (var step = 1; step <= 30; step++)
        {
            await reporter.ReportAsync(Step(step, 3));
        }

        await reporter.ReportAsync(new EvaluationCompleted { Step = 30, ValidationLoss = 2.75 });
        await reporter.EndAsync(new RunEnding(Finished, "a sample", null));

        var text = output.ToString();
        text.Split('\n').Count(line => line.StartsWith("step ", StringComparison.Ordinal)).Should().Be(3);
        text.Should().Contain("evaluation  30/100  validation loss 2.7500").And.Contain("12,346 tokens/s").And.Contain("500,000").And.Contain("a sample");
        text.Split('\n').Should().OnlyContain(line => line.TrimEnd('\r') == line.TrimEnd());
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(200)]
    public void ThePictureFitsTheTerminal(int width)
    {
        var output = new StringWriter();
        var console = Consoles.Create(output, redirected: true);
        console.Profile.Width = width;
        var progress = new RunProgress();
        progress.Apply(Started);
        for (var step = 1; step <= 50; step++)
        {
            progress.Apply(Step(step, 5 - (step * 0.05)));
        }

        console.Write(LiveView.Render(progress, width, null));

        var lines = output.ToString().Split('\n');
        lines.Should().OnlyContain(line => line.Length <= width);
        output.ToString().Should().Contain("50/100").And.Contain("50 %").And.Contain("2.5000").And.Contain("stage 1").And.Contain("40 % busy").And.Contain("left");
    }

    [Fact]
    public void TheSmoothedLossIsNotBiasedByItsStart()
    {
        var progress = new RunProgress();
        progress.Apply(Started);
        progress.Apply(Step(1, 4));
        progress.SmoothedLoss.Should().BeApproximately(4, 1e-9);
        progress.Apply(Step(2, 2));
        progress.SmoothedLoss.Should().BeInRange(2, 4);
    }

    [Fact]
    public void ALongRunKeepsACurveOfBoundedLength()
    {
        var progress = new RunProgress();
        progress.Apply(Started);
        for (var step = 1; step <= 100_000; step++)
        {
            progress.Apply(Step(step, 1));
        }

        progress.Losses.Count.Should().BeInRange(200, 512);
        progress.Losses.Select(point => point.Step).Should().BeInAscendingOrder();
    }

    private static StepCompleted Step(long step, double loss) => new()
    {
        Step = step,
        Loss = loss,
        LearningRate = 1e-3,
        TokensPerSecond = 1000,
        BusyShares = ImmutableArray.Create(0.9, 0.4),
    };
}
