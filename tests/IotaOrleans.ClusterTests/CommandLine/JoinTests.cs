using System.Diagnostics;
using System.Text.Json;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>A miner joins a run of another process, works for it, and leaves in order.</summary>
[Collection(ProgramGroup.Name)]
public sealed class JoinTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    private static readonly TimeSpan SoonEnough = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task AMinerJoinsMidRunWorksAndLeaves()
    {
        using var run = IotaProcess.Start(folder.Path, ProgramFolder.Train(
            "joined", "--mode", "elastic", "--inner-steps", "5", "--steps", "1000000", "--epoch-steps", "20",
            "--checkpoint-interval", "1000000", "--evaluation-interval", "1000000", "--no-rebalance"));
        var invitation = await run.WaitForErrorAsync("join: iota ");
        await run.WaitForAsync("step", times: 5);

        var clock = Stopwatch.StartNew();
        using var miner = IotaProcess.Start(folder.Path, [.. Invitation(invitation), "--miner", "late"]);
        var joined = await run.WaitForAsync("members");
        (joined.GetProperty("miner").GetString(), joined.GetProperty("change").GetString()).Should().Be(("late", "joined"));
        var stage = joined.GetProperty("stage").GetInt32();
        var place = joined.GetProperty("stages").EnumerateArray().ToList().FindIndex(it => it.GetProperty("miner").GetString() == "late");
        while ((await run.WaitForAsync("step")).GetProperty("busyShares")[place].GetDouble() == 0)
        {
            // It has not computed anything yet.
        }

        clock.Elapsed.Should().BeLessThan(SoonEnough, "that is how soon a newcomer must be of use, its own start included");
        var status = await IotaProcess.RunAsync(folder.Path, "status", "--json");
        using (var runs = JsonDocument.Parse(string.Concat(status.Output)))
        {
            var stages = runs.RootElement.EnumerateArray().Single(it => it.GetProperty("run").GetString() == "joined").GetProperty("stages");
            stages.EnumerateArray().Select(it => it.GetProperty("waits").GetString()).Should().HaveCount(2).And.OnlyContain(waits => waits!.StartsWith("round ", StringComparison.Ordinal) && waits.Contains("until"));
        }

        // A newcomer's update is merged from its first work on.
        while (true)
        {
            var merge = (await run.WaitForAsync("merge")).GetProperty("report");
            if (merge.GetProperty("merge").GetProperty("stage").GetInt32() == stage && merge.GetProperty("contributors").GetArrayLength() == 2)
            {
                break;
            }
        }

        miner.Signal(IotaProcess.Interrupt);
        var left = await run.WaitForAsync("members");
        (left.GetProperty("miner").GetString(), left.GetProperty("change").GetString()).Should().Be(("late", "left"));
        (await miner.EndAsync()).ExitCode.Should().Be(0);
        run.Signal(IotaProcess.Interrupt);
        (await run.EndAsync()).ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task MinersOfOtherMachinesHoldTheStagesAndTheRunWaitsForThem()
    {
        using var run = IotaProcess.Start(folder.Path, ProgramFolder.Train("remote", "--remote-miners", "ada,bob"));
        var (first, second) = (await run.WaitForErrorAsync("join: iota "), await run.WaitForErrorAsync("join: iota "));
        first.Should().EndWith(" --miner ada");
        second.Should().EndWith(" --miner bob");

        using var bob = IotaProcess.Start(folder.Path, Invitation(second));
        using var ada = IotaProcess.Start(folder.Path, Invitation(first));

        var result = await run.EndAsync();
        result.ExitCode.Should().Be(0, result.ToString());
        var rewards = result.Events()[^1].GetProperty("rewards").EnumerateArray();
        rewards.Select(reward => (reward.GetProperty("stage").GetInt32(), reward.GetProperty("miner").GetString())).Should().Equal((0, "ada"), (1, "bob"));
        foreach (var miner in new[] { ada, bob })
        {
            miner.Signal(IotaProcess.Interrupt);
            await miner.EndAsync();
        }
    }

    [Fact]
    public async Task AMinerThatIsKilledIsGivenUpAndTheRunGoesOn()
    {
        using var run = IotaProcess.Start(folder.Path, ProgramFolder.Train(
            "bereft", "--mode", "elastic", "--miners", "4", "--silos", "2", "--steps", "150", "--epoch-steps", "150", "--no-rebalance"));
        await run.WaitForAsync("step", times: 5);

        IotaProcess.Signal(run.Children()[0], IotaProcess.KillNow);

        var lost = await run.WaitForAsync("members");
        lost.GetProperty("change").GetString().Should().Be("lost");
        var result = await run.EndAsync();
        result.ExitCode.Should().Be(0, result.ToString());
        var finished = result.Events()[^1];
        finished.GetProperty("event").GetString().Should().Be("finished");
        var passes = finished.GetProperty("rewards").EnumerateArray().GroupBy(reward => reward.GetProperty("stage").GetInt32())
            .Select(stage => stage.Sum(reward => reward.GetProperty("backwardPasses").GetInt64())).ToArray();
        // Two miners were on the silo that was killed, and what they had not signed for then is not paid. All that was begun without them is.
        const int Whole = 150 * 2;
        const int UnderWay = 2 * 2 * 2;
        var before = 2 * lost.GetProperty("step").GetInt32();
        passes.Should().HaveCount(2).And.OnlyContain(count => count <= Whole && count >= Whole - before - UnderWay, $"they were lost after {before} of them");
    }

    [Theory]
    [InlineData("ada")]
    [InlineData("bob")]
    public async Task AnExactRunWaitsForALostMinerOfAnotherMachineAndGoesOn(string lost)
    {
        using var run = IotaProcess.Start(folder.Path, ProgramFolder.Train($"without-{lost}", "--remote-miners", "ada,bob", "--steps", "1000000", "--checkpoint-interval", "5"));
        var (first, second) = (await run.WaitForErrorAsync("join: iota "), await run.WaitForErrorAsync("join: iota "));
        using var ada = IotaProcess.Start(folder.Path, Invitation(first));
        using var bob = IotaProcess.Start(folder.Path, Invitation(second));
        await run.WaitForAsync("checkpoint");
        var (victim, invitation) = lost == "ada" ? (ada, first) : (bob, second);

        victim.Signal(IotaProcess.KillNow);

        await run.WaitForErrorAsync($"{lost} is gone; the run goes on when all have joined again");
        using var again = IotaProcess.Start(folder.Path, Invitation(invitation));
        var started = await run.WaitForAsync("started");
        var step = await run.WaitForAsync("step");

        step.GetProperty("step").GetInt64().Should().Be(started.GetProperty("step").GetInt64() + 1).And.BeGreaterThan(5, "it goes on from a checkpoint");
        run.Signal(IotaProcess.Interrupt);
        var result = await run.EndAsync();
        result.ExitCode.Should().Be(0, result.ToString());
        result.Events()[^1].GetProperty("event").GetString().Should().Be("interrupted");
    }

    [Fact]
    public async Task AMinerThatIsLostWhileNobodySendsItAnythingIsMissedAllTheSame()
    {
        // One micro-batch of seconds: while the first stage runs it forward, the other one waits, and the run has handed out all that it had.
        using var run = IotaProcess.Start(folder.Path, ProgramFolder.Train(
            "unheard", "--remote-miners", "ada,bob", "--steps", "1000000", "--batch-size", "2048", "--micro-batches", "1", "--checkpoint-interval", "1", "--evaluation-interval", "1000000"));
        var (first, second) = (await run.WaitForErrorAsync("join: iota "), await run.WaitForErrorAsync("join: iota "));
        using var ada = IotaProcess.Start(folder.Path, Invitation(first));
        using var bob = IotaProcess.Start(folder.Path, Invitation(second));
        await run.WaitForAsync("checkpoint");
        await run.WaitForAsync("step");
        await run.QuietAsync(TimeSpan.FromSeconds(0.3));

        ada.Signal(IotaProcess.KillNow);

        await run.WaitForErrorAsync("ada is gone");
    }

    /// <summary>The arguments of the command that the program asks for.</summary>
    private static string[] Invitation(string line) => line["join: iota ".Length..].Split(' ');
}
