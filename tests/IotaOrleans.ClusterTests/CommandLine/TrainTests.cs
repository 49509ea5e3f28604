using System.Text.Json;

namespace IotaOrleans.ClusterTests.CommandLine;

[Collection(ProgramGroup.Name)]
public sealed class TrainTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Fact]
    public async Task ARunIsJsonLinesFromItsStartToItsResult()
    {
        var result = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("whole"));

        result.ExitCode.Should().Be(0, result.ToString());
        result.Output.Should().OnlyContain(line => line.StartsWith("""{"event":""", StringComparison.Ordinal), "programs read this stream");
        var events = result.Events();
        events.Select(Name).First().Should().Be("started");
        events.Where(line => Name(line) == "step").Select(line => line.GetProperty("step").GetInt64()).Should().Equal(Enumerable.Range(1, 12).Select(step => (long)step));
        events.Count(line => Name(line) == "evaluation").Should().Be(2);
        events.Count(line => Name(line) == "epoch").Should().Be(3, "twelve steps are two epochs of five and one of two");

        var finished = events[^1];
        Name(finished).Should().Be("finished");
        finished.GetProperty("validationLoss").GetDouble().Should().BeInRange(0.1, 5.5);
        finished.GetProperty("tokensPerSecond").GetDouble().Should().BePositive();
        finished.GetProperty("sample").GetString().Should().StartWith("The ").And.HaveLength("The ".Length + 8);
        finished.GetProperty("rewards").EnumerateArray().Sum(reward => reward.GetProperty("paid").GetInt64()).Should().Be(3_000_000, "each epoch emits a million");
        File.Exists(Path.Combine(finished.GetProperty("checkpoint").GetString()!, "model.safetensors")).Should().BeTrue();
    }

    [Fact]
    public async Task TheSameCommandGivesTheSameModel()
    {
        var first = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("twin-1", "--quiet", "--no-http"));
        var second = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("twin-2", "--quiet", "--no-http", "--silos", "2"));

        Checkpoint(second).Should().Equal(Checkpoint(first), "neither processes nor luck decide what is learnt");
    }

    [Fact]
    public async Task QuietPrintsTheResultOnly()
    {
        var result = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("quiet", "--quiet"));

        result.Output.Should().ContainSingle();
        Name(result.Events()[0]).Should().Be("finished");
        result.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task VariablesStandInForOptions()
    {
        var result = await IotaProcess.RunAsync(
            folder.Path, ["IOTA_STEPS=3", "IOTA_DATA=text.txt", "IOTA_RUN=variables", "IOTA_JSON=1", "IOTA_STAGES=3", "train", "--sample-tokens", "0", "--steps", "4"]);

        result.ExitCode.Should().Be(0, result.ToString());
        var started = result.Events()[0];
        started.GetProperty("run").GetString().Should().Be("variables");
        started.GetProperty("stages").GetArrayLength().Should().Be(3);
        started.GetProperty("steps").GetInt64().Should().Be(4, "an option counts for more than a variable");
        result.Events()[^1].GetProperty("sample").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task AFinishedRunGoesOnWithMoreStepsAndOtherStages()
    {
        (await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("longer"))).ExitCode.Should().Be(0);

        var done = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "longer", "--json");
        done.ExitCode.Should().Be((int)ExitCode.RunState);
        done.Errors.Should().ContainSingle(line => line.StartsWith("error:", StringComparison.Ordinal)).Which.Should().Contain("has finished its 12 steps").And.Contain("--steps");

        var fixedOption = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "longer", "--seed", "3");
        fixedOption.ExitCode.Should().Be((int)ExitCode.Usage);
        fixedOption.Errors.Should().ContainSingle().Which.Should().StartWith("error: --seed cannot change");

        var more = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "longer", "--json", "--steps", "15", "--stages", "3");
        more.ExitCode.Should().Be(0, more.ToString());
        more.Events().Where(line => Name(line) == "step").Select(line => line.GetProperty("step").GetInt64()).Should().Equal(13, 14, 15);
    }

    [Fact]
    public async Task AModelCanBeSampledEvaluatedCheckedAndTrainedOn()
    {
        (await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("model"))).ExitCode.Should().Be(0);

        var sample = await IotaProcess.RunAsync(folder.Path, "sample", "--model", "runs/model", "--prompt", "stage ", "--tokens", "5", "--temperature", "0");
        sample.ExitCode.Should().Be(0, sample.ToString());
        sample.Text.Should().StartWith("stage ").And.HaveLength("stage ".Length + 5);

        var eval = await IotaProcess.RunAsync(folder.Path, "eval", "--model", "runs/model", "--data", "text.txt", "--json");
        eval.ExitCode.Should().Be(0, eval.ToString());
        JsonDocument.Parse(eval.Text).RootElement.GetProperty("validationLoss").GetDouble().Should().BeInRange(0.1, 5.5);

        var check = await IotaProcess.RunAsync(folder.Path, "check-model", "runs/model", "--stages", "4", "--json");
        check.ExitCode.Should().Be(0, check.ToString());
        JsonDocument.Parse(check.Text).RootElement.GetProperty("passed").GetBoolean().Should().BeTrue();

        var exported = await IotaProcess.RunAsync(folder.Path, "export", "runs/model", "--output", "given/away", "--dtype", "bf16", "--largest-file", "1");
        exported.ExitCode.Should().Be(0, exported.ToString());
        (await IotaProcess.RunAsync(folder.Path, "check-model", "given/away")).ExitCode.Should().Be(0);
        var taken = await IotaProcess.RunAsync(folder.Path, "export", "runs/model", "--output", "given/away");
        taken.ExitCode.Should().Be((int)ExitCode.Usage);
        taken.Errors.Should().ContainSingle().Which.Should().Contain("given/away exists already");
        var imported = await IotaProcess.RunAsync(folder.Path, "import", "given/away");
        imported.ExitCode.Should().Be(0, imported.ToString());
        (await IotaProcess.RunAsync(folder.Path, "sample", "--model", "models/away", "--tokens", "3")).ExitCode.Should().Be(0);
        var gguf = await IotaProcess.RunAsync(folder.Path, "export", "models/away", "--output", "away.gguf", "--format", "gguf", "--dtype", "fp16");
        gguf.ExitCode.Should().Be(0, gguf.ToString());
        new FileInfo(folder.In("away.gguf")).Length.Should().BeGreaterThan(1_000_000);
        (await IotaProcess.RunAsync(folder.Path, "export", "models/away", "--output", "b.gguf", "--format", "gguf", "--dtype", "bf16")).ExitCode.Should().Be((int)ExitCode.Usage);
        (await IotaProcess.RunAsync(folder.Path, "import", "nowhere")).ExitCode.Should().Be((int)ExitCode.Model);

        var tuned = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("tuned", "--model", Directory.GetDirectories(folder.In("runs/model/checkpoints"))[0]));
        tuned.ExitCode.Should().Be(0, tuned.ToString());
        tuned.Events().First(line => Name(line) == "step").GetProperty("loss").GetDouble().Should().BeLessThan(5, "it starts from what was learnt, not from chance (5.5)");
    }

    [Fact]
    public async Task AModelWithBottlenecksIsTrainedResumedCheckedSampledAndEvaluated()
    {
        var trained = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("narrow", "--bottleneck", "2", "--wire", "bf16", "--silos", "2"));
        trained.ExitCode.Should().Be(0, trained.ToString());

        var more = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "narrow", "--json", "--steps", "14");
        more.ExitCode.Should().Be(0, more.ToString());
        more.Events().Where(line => Name(line) == "step").Select(line => line.GetProperty("step").GetInt64()).Should().Equal(13, 14);

        var recut = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "narrow", "--steps", "16", "--stages", "3");
        recut.ExitCode.Should().Be((int)ExitCode.Usage);
        recut.Errors.Should().ContainSingle().Which.Should().Contain("can only be cut there: --stages must be 2");

        var check = await IotaProcess.RunAsync(folder.Path, "check-model", "runs/narrow", "--stages", "4", "--json");
        check.ExitCode.Should().Be(0, check.ToString());
        JsonDocument.Parse(check.Text).RootElement.GetProperty("stages").GetInt32().Should().Be(2, "it is cut where it was trained");

        var sample = await IotaProcess.RunAsync(folder.Path, "sample", "--model", "runs/narrow", "--prompt", "stage ", "--tokens", "5", "--temperature", "0");
        sample.ExitCode.Should().Be(0, sample.ToString());

        var eval = await IotaProcess.RunAsync(folder.Path, "eval", "--model", "runs/narrow", "--data", "text.txt", "--json");
        eval.ExitCode.Should().Be(0, eval.ToString());
        JsonDocument.Parse(eval.Text).RootElement.GetProperty("validationLoss").GetDouble().Should().BeInRange(0.1, 5.5);
    }

    [Fact]
    public async Task ANameIsUsedOnce()
    {
        (await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("taken"))).ExitCode.Should().Be(0);

        var again = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("taken"));

        again.ExitCode.Should().Be((int)ExitCode.RunState);
        again.Errors.Should().ContainSingle().Which.Should().Contain("run taken already exists");
    }

    private static string? Name(JsonElement line) => line.GetProperty("event").GetString();

    private static byte[] Checkpoint(IotaResult result)
    {
        result.ExitCode.Should().Be(0, result.ToString());
        return File.ReadAllBytes(Path.Combine(result.Events()[^1].GetProperty("checkpoint").GetString()!, "model.safetensors"));
    }
}
