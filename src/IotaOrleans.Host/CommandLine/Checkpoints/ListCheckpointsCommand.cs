using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.CommandLine.Checkpoints;

/// <summary><c>iota checkpoints list</c>: the checkpoints that there are, the newest first.</summary>
internal sealed class ListCheckpointsCommand : IotaCommand
{
    private readonly RunArgument _run = new();
    private readonly JsonSettings _output = new();

    public ListCheckpointsCommand()
        : base("list", "Lists a run's checkpoints, the newest first.")
    {
        Arguments.Add(_run.Run);
        Use(_run, _output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota checkpoints list brisk-otter", "What the run can go on from")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var run = _run.Open(parsed);
        var store = new CheckpointStore(run.Checkpoints);
        var latest = store.FindLatest();
        var checkpoints = store.List().Select(folder => (Folder: folder, Description: Read(folder), Bytes: Bytes(folder))).ToArray();
        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(
                new { Run = run.Name, Checkpoints = checkpoints.Select(it => new { it.Folder, Latest = it.Folder == latest, it.Bytes, it.Description?.Step, it.Description?.At, it.Description?.ValidationLoss }) },
                RunEventJson.Options));
            return (int)ExitCode.Success;
        }

        foreach (var (folder, description, bytes) in checkpoints)
        {
            var what = description is null
                ? "not readable: 'iota checkpoints verify' says why"
                : string.Create(CultureInfo.InvariantCulture, $"{description.At:yyyy-MM-dd HH:mm:ss} UTC  validation loss {(description.ValidationLoss is { } loss ? Figures.Loss(loss) : "-")}");
            await Console.Out.WriteLineAsync($"{Path.GetFileName(folder)}  {Figures.Bytes(bytes),9}  {what}{(folder == latest ? "  latest" : "")}");
        }

        if (checkpoints.Length == 0)
        {
            await Console.Out.WriteLineAsync($"run {run.Name} has no checkpoint yet");
        }

        return (int)ExitCode.Success;
    }

    private static CheckpointDescription? Read(string folder)
    {
        try
        {
            return CheckpointDescription.Read(folder);
        }
        catch (IotaException)
        {
            return null;
        }
    }

    private static long Bytes(string folder) => new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length);
}
