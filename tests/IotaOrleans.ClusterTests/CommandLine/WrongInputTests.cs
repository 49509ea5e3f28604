using System.Net;
using System.Net.Sockets;

namespace IotaOrleans.ClusterTests.CommandLine;

[Collection(ProgramGroup.Name)]
public sealed class WrongInputTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Theory]
    [InlineData(ExitCode.Usage, "unknown command 'trian', did you mean 'train'?", "trian")]
    [InlineData(ExitCode.Usage, "unknown option '--stepz', did you mean '--steps'?", "train", "--stepz", "3")]
    [InlineData(ExitCode.Usage, "unexpected argument 'now'", "train", "now")]
    [InlineData(ExitCode.Usage, "--steps: 'many' is not a whole number of at least 1", "train", "--steps", "many")]
    [InlineData(ExitCode.Usage, "--steps: '0' is not a whole number", "train", "--steps", "0")]
    [InlineData(ExitCode.Usage, "--steps needs a value", "train", "--steps")]
    [InlineData(ExitCode.Usage, "--steps is given 2 times", "train", "--steps", "1", "--steps", "2")]
    [InlineData(ExitCode.Usage, "--learning-rate: '0' is not a number above 0", "train", "--learning-rate", "0")]
    [InlineData(ExitCode.Usage, "--preset: 'huge' is not one of nano, tiny, small", "train", "--preset", "huge")]
    [InlineData(ExitCode.Usage, "IOTA_MICRO_BATCHES: 'x' is not a whole number", "IOTA_MICRO_BATCHES=x", "train")]
    [InlineData(ExitCode.Usage, "IOTA_JSON: 'perhaps' is neither true nor false", "IOTA_JSON=perhaps", "train")]
    [InlineData(ExitCode.Usage, "5 stages cannot share 4 blocks", "train", "--stages", "5")]
    [InlineData(ExitCode.Usage, "--bottleneck is 128: it must be at least 1 and less than the model's width of 128", "train", "--bottleneck", "128")]
    [InlineData(ExitCode.Usage, "--bottleneck: '0' is not a whole number", "train", "--bottleneck", "0")]
    [InlineData(ExitCode.Usage, "--bottleneck needs a boundary between stages: use at least 2 --stages", "train", "--bottleneck", "8", "--stages", "1")]
    [InlineData(ExitCode.Usage, "12 sequences do not divide into 5 micro-batches", "train", "--micro-batches", "5")]
    [InlineData(ExitCode.Usage, "is 97.7 MiB between stages and 64 MiB is the most", "train", "--context", "100000", "--micro-batches", "6")]
    [InlineData(ExitCode.Usage, "--remote-miners names all miners of the run", "train", "--remote-miners", "ada,bob", "--miners", "4")]
    [InlineData(ExitCode.Usage, "--remote-miners: 'ada,ada' is not a name", "train", "--remote-miners", "ada,ada")]
    [InlineData(ExitCode.Usage, "2 stages need at least as many miners, not 1", "train", "--remote-miners", "ada")]
    [InlineData(ExitCode.Usage, "--processor-share: '0' is not a number above 0", "join", "--cluster", "127.0.0.1:1", "--processor-share", "0")]
    [InlineData(ExitCode.Usage, "--adversary: 'burglar:2' is not KIND:COUNT", "train", "--adversary", "burglar:2")]
    [InlineData(ExitCode.Usage, "--adversary needs --mode elastic", "train", "--adversary", "echo")]
    [InlineData(ExitCode.Usage, "--adversary asks for more cheats than there are miners", "train", "--mode", "elastic", "--miners", "4", "--adversary", "echo:2,sign-flip")]
    [InlineData(ExitCode.Usage, "--burn: '2' is not a number", "train", "--burn", "2")]
    [InlineData(ExitCode.Usage, "--largest-share: '0' is not a number above 0", "train", "--largest-share", "0")]
    [InlineData(ExitCode.Usage, "no runs in runs yet", "why", "ada")]
    [InlineData(ExitCode.Usage, "no run yesterday in runs", "rewards", "recompute", "--run", "yesterday")]
    [InlineData(ExitCode.Usage, "--format: 'xml' is not one of json, csv, weights", "rewards", "export", "--format", "xml")]
    [InlineData(ExitCode.Usage, "--config and --model both", "train", "--config", "a", "--model", "b")]
    [InlineData(ExitCode.Usage, "--run: '../elsewhere' is not a name", "train", "--run", "../elsewhere")]
    [InlineData(ExitCode.Usage, "no run yesterday in runs", "train", "--resume", "yesterday")]
    [InlineData(ExitCode.Usage, "--cluster: 'nowhere' is not of the form HOST:PORT", "join", "--cluster", "nowhere")]
    [InlineData(ExitCode.Usage, "--cluster is missing: give --cluster HOST:PORT, or set IOTA_CLUSTER", "join")]
    [InlineData(ExitCode.Usage, "--model is missing", "sample")]
    [InlineData(ExitCode.Usage, "check-model needs a DIR", "check-model")]
    [InlineData(ExitCode.Usage, "IOTA_DASHBOARD_TOKEN", "serve", "--dashboard-token", "short", "--http-port", "0", "--silo-port", "0")]
    [InlineData(ExitCode.Usage, "--schedule: only the interleaved schedule has 2 model chunks per rank", "train", "--chunks", "2")]
    [InlineData(ExitCode.Usage, "3 stages of 2 chunks need 6 blocks, and the model has 4", "train", "--stages", "3", "--schedule", "interleaved")]
    [InlineData(ExitCode.Usage, "--schedule: the interleaved schedule sends micro-batches in groups of one per rank", "train", "--schedule", "interleaved", "--micro-batches", "3")]
    [InlineData(ExitCode.Usage, "--schedule interleaved needs --mode exact", "train", "--schedule", "interleaved", "--mode", "elastic")]
    [InlineData(ExitCode.Usage, "--schedule: the interleaved schedule has one miner per stage", "train", "--schedule", "interleaved", "--miners", "4")]
    [InlineData(ExitCode.Usage, "--schedule: 'zb-h3' is not one of gpipe, 1f1b, interleaved, zb-h1, zb-h2, zb-2p", "plan", "schedule", "--schedule", "zb-h3")]
    [InlineData(ExitCode.Usage, "6 do not divide into groups of 4", "plan", "schedule", "--schedule", "interleaved", "--micro-batches", "6")]
    [InlineData(ExitCode.Usage, "--forward: '0' is not a number above 0", "plan", "schedule", "--forward", "0")]
    [InlineData(ExitCode.Usage, "a picture of 131,072 passes is too large", "plan", "schedule", "--stages", "64", "--micro-batches", "1024", "--svg", "a.svg")]
    [InlineData(ExitCode.Usage, "unknown command 'shedule', did you mean 'schedule'?; see 'iota plan --help'", "plan", "shedule")]
    [InlineData(ExitCode.Usage, "did you mean '--stages'?; see 'iota plan schedule --help'", "plan", "schedule", "--stage", "2")]
    [InlineData(ExitCode.Environment, "missing/a.svg", "plan", "schedule", "--svg", "missing/a.svg")]
    [InlineData(ExitCode.Data, "There is no file or folder 'missing.txt'", "train", "--data", "missing.txt")]
    [InlineData(ExitCode.Data, "empty.txt is empty", "train", "--data", "empty.txt")]
    [InlineData(ExitCode.Data, "short.txt is too short", "train", "--data", "short.txt")]
    [InlineData(ExitCode.Data, "binary.txt is not UTF-8", "train", "--data", "binary.txt")]
    [InlineData(ExitCode.Data, "There is no tokenizer 'klingon'", "train", "--data", "text.txt", "--tokenizer", "klingon")]
    [InlineData(ExitCode.Model, "missing.json", "train", "--config", "missing.json")]
    [InlineData(ExitCode.Model, "gpt2.json: model_type is gpt2", "train", "--config", "gpt2.json")]
    [InlineData(ExitCode.Model, "there is no such model directory", "sample", "--model", "missing")]
    [InlineData(ExitCode.Model, "there is no such model directory", "eval", "--model", "missing")]
    [InlineData(ExitCode.Model, "there is no such model directory", "check-model", "missing")]
    [InlineData(ExitCode.Environment, "text.txt", "train", "--data", "text.txt", "--runs", "text.txt")]
    [InlineData(ExitCode.Environment, "did not answer with a list of runs", "status", "--url", "http://127.0.0.1:1")]
    public async Task WrongInputIsOneLineAndItsOwnExitCode(ExitCode exitCode, string message, params string[] arguments)
    {
        await File.WriteAllTextAsync(folder.In("empty.txt"), "");
        await File.WriteAllTextAsync(folder.In("short.txt"), "too short\n");
        await File.WriteAllBytesAsync(folder.In("binary.txt"), [.. Enumerable.Repeat<byte>(0xFF, 5000)]);
        await File.WriteAllTextAsync(folder.In("gpt2.json"), """{"model_type":"gpt2"}""");

        var result = await IotaProcess.RunAsync(folder.Path, arguments);

        result.ExitCode.Should().Be((int)exitCode, result.ToString());
        result.Output.Should().BeEmpty();
        result.Errors.Should().ContainSingle().Which.Should().StartWith("error: ").And.Contain(message);
        Runs().Should().BeEmpty("a run that could not start leaves nothing behind");
    }

    [Fact]
    public async Task APortInUseIsNamedBeforeAnythingStarts()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var result = await IotaProcess.RunAsync(folder.Path, "train", "--data", "text.txt", "--http-port", $"{port}");

        result.ExitCode.Should().Be((int)ExitCode.Environment);
        result.Errors.Should().Equal($"error: port {port} is in use; choose another with --http-port");
        Runs().Should().BeEmpty();
    }

    [Fact]
    public async Task DetailsOfAnErrorAreShownOnlyWhenAskedFor()
    {
        var result = await IotaProcess.RunAsync(folder.Path, "sample", "--model", "missing", "--verbose");

        result.ExitCode.Should().Be((int)ExitCode.Model);
        result.Errors.Should().HaveCountGreaterThan(1).And.Contain(line => line.Contains("   at ", StringComparison.Ordinal));
    }

    private IEnumerable<string> Runs() => Directory.Exists(folder.In("runs")) ? Directory.EnumerateDirectories(folder.In("runs")) : [];
}
