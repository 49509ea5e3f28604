using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.ClusterTests.CommandLine;

[Collection(ProgramGroup.Name)]
public sealed class InterruptionTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    private static readonly string[] Endless = ["--steps", "1000000", "--checkpoint-interval", "1000000"];

    [Theory]
    [InlineData("interrupted", IotaProcess.Interrupt)]
    [InlineData("terminated", IotaProcess.Terminate)]
    public async Task TheFirstSignalStopsAtACheckpointFromWhichTheRunGoesOn(string run, int signal)
    {
        using var program = IotaProcess.Start(folder.Path, EndlessRun(run));
        await program.WaitForAsync("step", times: 3);

        var running = await IotaProcess.RunAsync(folder.Path, "train", "--resume", run);
        running.ExitCode.Should().Be((int)ExitCode.RunState);
        running.Errors.Should().ContainSingle().Which.Should().Contain($"run {run} is already running (process {program.Id})");
        var status = await StatusAsync(run);
        status.GetProperty("phase").GetString().Should().Be("training");
        status.GetProperty("process").GetInt32().Should().Be(program.Id);

        program.Signal(signal);
        var result = await program.EndAsync();

        result.ExitCode.Should().Be(0, result.ToString());
        result.Errors.Should().Contain("stopping: finishing the steps in flight and writing a checkpoint (Ctrl+C again leaves at once)");
        result.Errors.Should().Contain($"resume with: iota train --resume {run}");
        var last = result.Events()[^1];
        last.GetProperty("event").GetString().Should().Be("interrupted");
        var step = last.GetProperty("step").GetInt64();
        (await StatusAsync(run)).GetProperty("phase").GetString().Should().Be("interrupted");

        var resumed = await IotaProcess.RunAsync(folder.Path, "train", "--resume", run, "--steps", $"{step + 2}", "--json");
        resumed.ExitCode.Should().Be(0, resumed.ToString());
        resumed.Events().Where(line => line.GetProperty("event").GetString() == "step").Select(line => line.GetProperty("step").GetInt64())
            .Should().Equal(step + 1, step + 2);
    }

    [Theory]
    [InlineData("twice", 2)]
    [InlineData("twice-embedded", 0)]
    public async Task TheSecondSignalEndsEverythingAtOnce(string run, int silos)
    {
        using var program = IotaProcess.Start(folder.Path, EndlessRun(run, "--silos", $"{silos}", "--batch-size", "4096", "--micro-batches", "64"));
        await program.WaitForAsync("started");
        var children = program.Children();
        children.Should().HaveCount(silos);

        program.Signal(IotaProcess.Interrupt);
        program.Signal(IotaProcess.Terminate);
        var clock = Stopwatch.StartNew();
        var result = await program.EndAsync();

        result.ExitCode.Should().Be((int)ExitCode.Interrupted, result.ToString());
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromMinutes(1), "the step in flight takes many minutes");
        await AllEndAsync(children);
    }

    [Fact]
    public async Task MinerSilosDoNotOutliveAProgramThatIsKilled()
    {
        using var program = IotaProcess.Start(folder.Path, EndlessRun("killed", "--silos", "2"));
        await program.WaitForAsync("step");
        var children = program.Children();
        children.Should().HaveCount(2);

        program.Signal(IotaProcess.KillNow);
        await program.EndAsync();

        await AllEndAsync(children);
        var status = await IotaProcess.RunAsync(folder.Path, "status");
        status.Text.Should().Contain("broken off");
    }

    [Fact]
    public async Task ALostMinerSiloIsReplacedAndTheRunEndsAsIfNothingHadHappened()
    {
        string[] options = ["--steps", "60", "--checkpoint-interval", "10", "--silos", "2"];
        using var program = IotaProcess.Start(folder.Path, ProgramFolder.Train("lossy", options));
        await program.WaitForAsync("checkpoint");
        var victim = program.Children()[0];
        IotaProcess.Signal(victim, IotaProcess.KillNow);

        var result = await program.EndAsync();
        var undisturbed = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("lossless", options));

        result.ExitCode.Should().Be(0, result.ToString());
        result.Errors.Should().Contain(line => line.Contains("ended with exit code 137", StringComparison.Ordinal) && line.EndsWith("starting it again", StringComparison.Ordinal));
        var (lossy, lossless) = (result.Events()[^1], undisturbed.Events()[^1]);
        lossy.GetProperty("validationLoss").GetDouble().Should().Be(lossless.GetProperty("validationLoss").GetDouble());
        lossy.GetProperty("rewards").GetRawText().Should().Be(lossless.GetProperty("rewards").GetRawText(), "work that was lost is not paid twice");
    }

    [Fact]
    public async Task ARunThatFailsBeforeTheEndOfItsMinerSiloIsNoticedGoesOnAllTheSame()
    {
        using var program = IotaProcess.Start(folder.Path, ProgramFolder.Train("unnoticed", "--steps", "200", "--checkpoint-interval", "10", "--silos", "2"));
        await program.WaitForAsync("checkpoint");
        var victim = program.Children()[0];
        // A process's end is noticed when nobody can write to its streams any more.
        using (var output = OpenStream(victim, 1))
        using (var errors = OpenStream(victim, 2))
        {
            IotaProcess.Signal(victim, IotaProcess.KillNow);
            await FailsAsync("unnoticed");
        }

        var result = await program.EndAsync();

        result.ExitCode.Should().Be(0, result.ToString());
        result.Errors.Should().ContainSingle(line => line.EndsWith("starting it again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AMinerSiloThatIsLostWhileTheRunBeginsAgainIsReplacedAsWell()
    {
        using var program = IotaProcess.Start(folder.Path, ProgramFolder.Train("twice-lossy", "--steps", "200", "--checkpoint-interval", "10", "--silos", "2"));
        await program.WaitForAsync("checkpoint");
        var silos = program.Children();
        // It answers nothing any longer, but its process has not ended: the run cannot begin again before the cluster gives it up.
        IotaProcess.Signal(silos[1], IotaProcess.Pause);
        IotaProcess.Signal(silos[0], IotaProcess.KillNow);

        var result = await program.EndAsync();

        result.ExitCode.Should().Be(0, result.ToString());
        result.Errors.Should().Contain(line => line.Contains("did not answer any longer and was ended", StringComparison.Ordinal));
        result.Errors.Where(line => line.EndsWith("starting it again", StringComparison.Ordinal)).Should().HaveCount(2);
    }

    [Fact]
    public async Task ARunThatCannotGoOnYetTriesAgain()
    {
        using var program = IotaProcess.Start(folder.Path, ProgramFolder.Train("patient", "--steps", "200", "--checkpoint-interval", "10", "--silos", "2"));
        await program.WaitForAsync("checkpoint");
        var (data, away) = (folder.In("runs/patient/data"), folder.In("away"));
        Directory.Move(data, away);
        IotaProcess.Signal(program.Children()[0], IotaProcess.KillNow);

        await program.WaitForErrorAsync("going on from step ");
        var reason = await program.WaitForErrorAsync("the run could not go on yet: ");
        Directory.Move(away, data);
        var result = await program.EndAsync();

        reason.Should().Contain(data);
        result.Errors.Should().Contain("trying again in 2 s");
        result.ExitCode.Should().Be(0, result.ToString());
        result.Events()[^1].GetProperty("step").GetInt64().Should().Be(200);
    }

    private static FileStream OpenStream(int process, int number) => new($"/proc/{process}/fd/{number}", FileMode.Open, FileAccess.Write);

    /// <summary>Waits until the journal says that a session of the run has failed.</summary>
    private async Task FailsAsync(string run)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        await using var connection = new SqliteConnection($"Data Source={folder.In($"runs/{run}/state.db")};Pooling=False;Mode=ReadOnly");
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT COUNT(*) FROM Events WHERE Event ->> 'event' = 'failed'";
        while ((long)command.ExecuteScalar()! == 0)
        {
            (await timer.WaitForNextTickAsync(patience.Token)).Should().BeTrue();
        }
    }

    private static string[] EndlessRun(string name, params string[] more) => ProgramFolder.Train(name, [.. Endless, .. more]);

    private async Task<JsonElement> StatusAsync(string run)
    {
        var status = await IotaProcess.RunAsync(folder.Path, "status", "--json");
        status.ExitCode.Should().Be(0, status.ToString());
        return JsonDocument.Parse(status.Text).RootElement.EnumerateArray().Single(entry => entry.GetProperty("run").GetString() == run);
    }

    private static async Task AllEndAsync(int[] processes)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (processes.Any(IotaProcess.IsRunning))
        {
            (await timer.WaitForNextTickAsync(patience.Token)).Should().BeTrue();
        }
    }
}
