using System.Diagnostics;
using System.Text.Json;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>What a run leaves on disk, and how it goes on from there.</summary>
[Collection(ProgramGroup.Name)]
public sealed class CheckpointTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    private const int Steps = 200;

    [Fact]
    public async Task AKilledRunGoesOnWithTheSameBitsAndAtAnotherShapeWithTheSameLosses()
    {
        string[] settings = ["--steps", $"{Steps}", "--checkpoint-interval", "50", "--evaluation-interval", "200", "--no-http", "--sample-tokens", "0"];
        var clock = Stopwatch.StartNew();
        var whole = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("whole", settings));
        whole.ExitCode.Should().Be(0, whole.ToString());
        var expected = Losses(whole);
        expected.Should().HaveCount(Steps);
        var last = CheckpointDescription.Read(new CheckpointStore(folder.In("runs/whole/checkpoints")).FindLatest()!);
        last.Seconds.Should().BeLessThan(clock.Elapsed.TotalSeconds, "time that was spent is counted once, however many checkpoints there are");

        using (var killed = IotaProcess.Start(folder.Path, ProgramFolder.Train("killed", settings)))
        {
            await killed.WaitForAsync("checkpoint", times: 2);
            killed.Signal(IotaProcess.KillNow);
            (await killed.EndAsync()).ExitCode.Should().NotBe(0);
        }

        // Another shape, and with damage: in copies of the folder, since a run goes on once.
        await CopyAsync("runs", "recut/runs");
        await CopyAsync("runs", "damaged/runs");

        var same = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "killed", "--json", "--no-http", "--sample-tokens", "0");
        same.ExitCode.Should().Be(0, same.ToString());
        var first = Losses(same).Keys.Min();
        first.Should().BeGreaterThan(100, "it goes on from a checkpoint").And.BeLessThan(Steps);
        Losses(same).Should().Equal(expected.Where(step => step.Key >= first), "at the same shape, the same bits follow");
        Sums(folder.In("runs/killed")).Should().Be(Sums(folder.In("runs/whole")), "and so are the weights and moments");
        var replayed = await IotaProcess.RunAsync(folder.Path, "replay", "killed");
        replayed.ExitCode.Should().Be(0, replayed.ToString());

        var recut = await IotaProcess.RunAsync(folder.In("recut"), "train", "--resume", "killed", "--stages", "3", "--miners", "6", "--wire", "fp32", "--json", "--no-http", "--sample-tokens", "0");
        recut.ExitCode.Should().Be(0, recut.ToString());
        Losses(recut).Keys.Should().Equal(expected.Keys.Where(step => step >= first));
        Losses(recut).Should().AllSatisfy(step => step.Value.Should().BeApproximately(expected[step.Key], 1e-5));

        await DamageAndResumeAsync(folder.In("damaged"), expected);
    }

    private static async Task DamageAndResumeAsync(string place, SortedDictionary<long, double> expected)
    {
        var newest = new CheckpointStore(Path.Combine(place, "runs/killed/checkpoints")).FindLatest()!;
        var step = CheckpointStore.StepOf(newest)!.Value;
        var weights = Path.Combine(newest, ModelFiles.SingleName);
        await using (var file = File.Open(weights, FileMode.Open))
        {
            file.Seek(-1000, SeekOrigin.End);
            var value = file.ReadByte();
            file.Seek(-1, SeekOrigin.Current);
            file.WriteByte((byte)(value ^ 1));
        }

        var verified = await IotaProcess.RunAsync(place, "checkpoints", "verify", "killed");
        verified.ExitCode.Should().Be((int)ExitCode.Model);
        verified.Output.Should().HaveCountGreaterThan(1).And.ContainSingle(line => !line.EndsWith("  sound", StringComparison.Ordinal)).Which.Should().Contain("model.safetensors: is damaged");

        var resumed = await IotaProcess.RunAsync(place, "train", "--resume", "killed", "--json", "--no-http", "--sample-tokens", "0");
        resumed.ExitCode.Should().Be(0, resumed.ToString());
        var passedOver = resumed.Events().Should().ContainSingle(line => Name(line) == "checkpointDamaged").Which;
        passedOver.GetProperty("reason").GetString().Should().EndWith("model.safetensors: is damaged, its SHA-256 is another than the one that was written");
        resumed.Errors.Should().ContainSingle(line => line.Contains("model.safetensors: is damaged")).Which.Should().EndWith($"going on from step {step - 50}");
        var losses = Losses(resumed);
        losses.Keys.Min().Should().Be(step - 50 + 1, "the checkpoint before is used");
        losses.Should().Equal(expected.Where(loss => loss.Key > step - 50));
        (await IotaProcess.RunAsync(place, "audit", "killed")).Text.Should().Contain("800 backward passes, lost 0, doubled 0").And.EndWith("in order");
        (await IotaProcess.RunAsync(place, "checkpoints", "verify", "killed")).ExitCode.Should().Be(0, "the damaged one was written again");
        var replayed = await IotaProcess.RunAsync(place, "replay", "killed");
        replayed.ExitCode.Should().Be(0, replayed.ToString());

        // With all of them damaged, there is nothing to go on from, and that is said.
        foreach (var checkpoint in new CheckpointStore(Path.Combine(place, "runs/killed/checkpoints")).List())
        {
            File.Delete(Path.Combine(checkpoint, FolderSums.FileName));
        }

        var lost = await IotaProcess.RunAsync(place, "train", "--resume", "killed", "--steps", "300", "--json", "--no-http");
        lost.ExitCode.Should().Be((int)ExitCode.Model);
        lost.Errors.Should().ContainSingle(line => line.StartsWith("error:", StringComparison.Ordinal)).Which.Should().Contain("SHA256SUMS: is missing").And.Contain("no earlier checkpoint");
    }

    [Fact]
    public async Task CheckpointsAreListedAndRemoved()
    {
        var trained = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("kept", "--checkpoint-interval", "2", "--keep-checkpoints", "4"));
        trained.ExitCode.Should().Be(0, trained.ToString());

        var list = await IotaProcess.RunAsync(folder.Path, "checkpoints", "list", "kept");
        list.ExitCode.Should().Be(0, list.ToString());
        list.Output.Select(line => line.Split(' ')[0]).Should().Equal("step-00000012", "step-00000010", "step-00000008", "step-00000006");
        list.Output.Where(line => line.EndsWith("  latest", StringComparison.Ordinal)).Should().ContainSingle().Which.Should().StartWith("step-00000012");

        var pruned = await IotaProcess.RunAsync(folder.Path, "checkpoints", "prune", "kept", "--keep", "2");
        pruned.Output.Should().Equal("removed step-00000008", "removed step-00000006", "2 checkpoints removed");
        var json = JsonDocument.Parse((await IotaProcess.RunAsync(folder.Path, "checkpoints", "list", "kept", "--json")).Text).RootElement.GetProperty("checkpoints");
        json.EnumerateArray().Select(checkpoint => checkpoint.GetProperty("step").GetInt64()).Should().Equal(12, 10);

        (await IotaProcess.RunAsync(folder.Path, "checkpoints", "list", "nobody")).ExitCode.Should().Be((int)ExitCode.Usage);
    }

    [Fact]
    public async Task AFullDiskStopsNothingButTheCheckpointAndSaysSo()
    {
        using var program = IotaProcess.StartWithLittleSpace(
            folder.Path, 3_000, ProgramFolder.Train("full", "--steps", "1000000", "--checkpoint-interval", "10", "--epoch-steps", "10", "--evaluation-interval", "1000000", "--no-http", "--sample-tokens", "0"));
        var failed = await program.WaitForAsync("checkpointFailed");
        failed.GetProperty("reason").GetString().Should().Contain("step-00000010").And.Contain("could not be written");
        await program.WaitForAsync("epoch", times: 2);
        var status = await IotaProcess.RunAsync(folder.Path, "status");
        status.Text.ReplaceLineEndings(" ").Should().Contain("full: the last checkpoint failed, training goes on:");

        // Now there is no room for a single byte: what has to be stored waits, and steps go on.
        await program.LimitFilesAsync("0");
        (await program.WaitForErrorAsync("error StoreOutage")).Should().Contain("state.db cannot be written").And.Contain("training goes on, and what has to be stored waits");
        await program.WaitForAsync("step", times: 50);

        await program.LimitFilesAsync("unlimited");
        await program.WaitForErrorAsync("error StoreOutage");
        var written = await program.WaitForAsync("checkpoint");
        program.Signal(IotaProcess.Interrupt);
        var result = await program.EndAsync();

        result.ExitCode.Should().Be(0, result.ToString());
        var steps = result.Events().Where(line => Name(line) == "step").Select(line => line.GetProperty("step").GetInt64()).ToArray();
        steps.Should().Equal(Enumerable.Range(1, steps.Length).Select(step => (long)step), "no step was missed and none was done twice");
        result.Errors.Where(line => line.Contains("StoreOutage")).Should().HaveCount(2, "it is said once, and once when it is over");
        written.GetProperty("step").GetInt64().Should().BeGreaterThan(10);
        (await IotaProcess.RunAsync(folder.Path, "checkpoints", "verify", "full")).ExitCode.Should().Be(0);
        var paid = await IotaProcess.RunAsync(folder.Path, "rewards", "recompute", "--run", "full", "--json");
        paid.ExitCode.Should().Be(0, paid.ToString());
        JsonDocument.Parse(paid.Text).RootElement.GetProperty("epochs").GetInt32().Should().Be(result.Events().Count(line => Name(line) == "epoch"));
        var receipts = result.Events().Where(line => Name(line) == "epoch").Sum(line => line.GetProperty("settlement").GetProperty("payslips").EnumerateArray().Sum(slip => slip.GetProperty("backwardPasses").GetInt64()));
        receipts.Should().Be(10 * 2 * 2 * result.Events().Count(line => Name(line) == "epoch"), "of each step of each epoch, each stage ran each micro-batch backward once");
    }

    [Fact]
    public async Task ARunWhoseLastCheckpointFindsNoRoomHasFailedAndSaysWhatToDo()
    {
        using var program = IotaProcess.StartWithLittleSpace(folder.Path, 3_000, ProgramFolder.Train("nowhere", "--no-http"));
        var result = await program.EndAsync();

        result.ExitCode.Should().Be((int)ExitCode.Failed, result.ToString());
        result.Events()[^1].GetProperty("failure").GetString().Should().StartWith("all 12 steps are done, and what came of them could not be stored: ");
        Directory.EnumerateFileSystemEntries(folder.In("runs/nowhere/checkpoints")).Should().BeEmpty("nothing half written remains");
        result.Errors.Should().Contain(line => line.Contains("resume with: iota train --resume nowhere"));

        var resumed = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "nowhere", "--json", "--no-http");
        resumed.ExitCode.Should().Be(0, resumed.ToString());
        resumed.Events()[^1].GetProperty("step").GetInt64().Should().Be(12);
    }

    private Task CopyAsync(string from, string to) => Task.Run(() =>
    {
        foreach (var file in Directory.EnumerateFiles(folder.In(from), "*", SearchOption.AllDirectories))
        {
            var copy = folder.In(Path.Combine(to, Path.GetRelativePath(folder.In(from), file)));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    });

    private static string Sums(string run) =>
        string.Join('\n', File.ReadLines(Path.Combine(run, $"checkpoints/step-{Steps:D8}/{FolderSums.FileName}")).Where(line => line.EndsWith(".safetensors", StringComparison.Ordinal)));

    private static SortedDictionary<long, double> Losses(IotaResult result)
    {
        var losses = new SortedDictionary<long, double>();
        foreach (var line in result.Events().Where(line => Name(line) == "step"))
        {
            losses.Add(line.GetProperty("step").GetInt64(), line.GetProperty("loss").GetDouble());
        }

        return losses;
    }

    private static string? Name(JsonElement line) => line.GetProperty("event").GetString();
}
