namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>A miner joins a run of another process, works for it, and leaves in order.</summary>
[Collection(ProgramGroup.Name)]
public sealed class JoinTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Fact]
    public async Task AMinerJoinsMidRunWorksAndLeaves()
    {
        using var run = IotaProcess.Start(folder.Path, ProgramFolder.Train(
            "joined", "--mode", "elastic", "--inner-steps", "5", "--steps", "1000000", "--epoch-steps", "20",
            "--checkpoint-interval", "1000000", "--evaluation-interval", "1000000", "--no-rebalance"));
        var invitation = await run.WaitForErrorAsync("join: iota ");
        await run.WaitForAsync("step", times: 5);

        using var miner = IotaProcess.Start(folder.Path, [.. invitation["join: iota ".Length..].Split(' '), "--miner", "late"]);
        var joined = await run.WaitForAsync("members");
        (joined.GetProperty("miner").GetString(), joined.GetProperty("change").GetString()).Should().Be(("late", "joined"));
        var stage = joined.GetProperty("stage").GetInt32();
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
        passes.Should().HaveCount(2).And.OnlyContain(count => count == passes[0]);
    }
}
