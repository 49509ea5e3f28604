using IotaOrleans.ClusterTests.Storage;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>Checkpoints in an S3-compatible store, and a run that goes on from there on another machine.</summary>
[Collection(ProgramGroup.Name)]
public sealed class ArchiveTests(ProgramFolder folder, S3Server server) : IClassFixture<ProgramFolder>, IClassFixture<S3Server>
{
    [Fact]
    public async Task A_run_goes_on_elsewhere_from_what_the_archive_has_of_it()
    {
        var whole = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("whole", "--no-http"));
        whole.ExitCode.Should().Be(0, whole.ToString());

        var first = await RunAsync("", ProgramFolder.Train("away", "--no-http", "--checkpoint-interval", "2", "--keep-checkpoints", "2", "--archive", server.Address("crowd")));
        first.ExitCode.Should().Be(0, first.ToString());
        first.Errors.Should().Contain($"archive: s3://{S3Server.Bucket}/crowd/").And.NotContain(line => line.Contains("is not in the archive"));
        var names = server.Names("crowd/away");
        names.Should().Contain(["run.json", "data/train.bin", "checkpoints/latest", "checkpoints/step-00000012/SHA256SUMS", "checkpoints/step-00000012/model.safetensors"]);
        names.Where(name => name.EndsWith("SHA256SUMS", StringComparison.Ordinal)).Should().HaveCountLessThanOrEqualTo(2, "that is how many are kept");

        Directory.CreateDirectory(folder.In("elsewhere"));
        var fetched = await RunAsync("elsewhere", "checkpoints", "fetch", "away", "--archive", server.Address("crowd"));
        fetched.ExitCode.Should().Be(0, fetched.ToString());
        fetched.Output.Should().Equal("fetched runs/away/checkpoints/step-00000012");
        (await RunAsync("elsewhere", "checkpoints", "verify", "away")).Output.Should().Equal("step-00000012  sound");
        var resumed = await RunAsync("elsewhere", "train", "--resume", "away", "--steps", "16", "--json", "--no-http", "--sample-tokens", "0");
        resumed.ExitCode.Should().Be(0, resumed.ToString());

        var here = await IotaProcess.RunAsync(folder.Path, "train", "--resume", "away", "--steps", "16", "--json", "--no-http", "--sample-tokens", "0");
        resumed.Events()[^1].GetProperty("validationLoss").GetDouble().Should().Be(here.Events()[^1].GetProperty("validationLoss").GetDouble(), "the same bits go on");

        var over = await RunAsync("elsewhere", "train", "--run", "away", "--continue", "--steps", "16", "--data", "text.txt");
        over.ExitCode.Should().Be(0, over.ToString());
        over.Errors.Should().Equal("run away has finished: there is nothing to continue");
        (await RunAsync("elsewhere", "train", "--continue")).ExitCode.Should().Be((int)ExitCode.Usage);

        var twice = await RunAsync("elsewhere", "checkpoints", "fetch", "away", "--archive", server.Address("crowd"));
        twice.ExitCode.Should().Be((int)ExitCode.RunState, "what is here is not overwritten");

        // The newest one is damaged on its way: the one before is taken.
        var weights = server.FileOf("crowd/away/checkpoints/step-00000012/model.safetensors");
        var bytes = await File.ReadAllBytesAsync(weights);
        bytes[^100] ^= 1;
        await File.WriteAllBytesAsync(weights, bytes);
        Directory.CreateDirectory(folder.In("third"));
        var older = await RunAsync("third", "checkpoints", "fetch", "away", "--archive", server.Address("crowd"));
        older.ExitCode.Should().Be(0, older.ToString());
        older.Errors.Should().ContainSingle().Which.Should().Contain("model.safetensors: is damaged");
        older.Output.Should().ContainSingle().Which.Should().StartWith("fetched runs/away/checkpoints/step-").And.NotEndWith("12");
    }

    [Fact]
    public async Task An_archive_that_cannot_be_used_is_said_at_once_in_one_line()
    {
        var unreachable = await RunAsync("", ProgramFolder.Train("lost", "--no-http", "--archive", $"s3://models/x?endpoint=http://127.0.0.1:1&region=us-east-1"));
        unreachable.ExitCode.Should().Be((int)ExitCode.Environment, unreachable.ToString());
        unreachable.Errors.Should().ContainSingle().Which.Should().Contain("s3://models/x/ cannot be used: ");
        Directory.Exists(folder.In("runs/lost")).Should().BeFalse();

        var bucket = await RunAsync("", "checkpoints", "fetch", "away", "--archive", $"s3://nobody/x?endpoint={server.Endpoint}&region=us-east-1");
        bucket.ExitCode.Should().Be((int)ExitCode.Environment, bucket.ToString());

        var unknown = await RunAsync("", "checkpoints", "fetch", "nobody", "--archive", server.Address("crowd"));
        unknown.ExitCode.Should().Be((int)ExitCode.RunState, unknown.ToString());
        unknown.Errors.Should().Equal($"error: s3://{S3Server.Bucket}/crowd/ has no checkpoint of a run nobody");

        var malformed = await RunAsync("", "checkpoints", "fetch", "away", "--archive", "http://models/crowd");
        malformed.ExitCode.Should().Be((int)ExitCode.Usage);
    }

    private Task<IotaResult> RunAsync(string place, params string[] arguments) => IotaProcess.RunAsync(folder.In(place), S3Server.Keys, arguments);
}
