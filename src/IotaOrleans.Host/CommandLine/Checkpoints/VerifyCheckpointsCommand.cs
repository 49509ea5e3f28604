using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.CommandLine.Checkpoints;

/// <summary><c>iota checkpoints verify</c>: reads every file of every checkpoint and compares it with what was written.</summary>
internal sealed class VerifyCheckpointsCommand : IotaCommand
{
    private readonly RunArgument _run = new();
    private readonly JsonSettings _output = new();

    public VerifyCheckpointsCommand()
        : base("verify", "Reads every file of a run's checkpoints and compares it with its SHA-256; exit code 4 when one is damaged.")
    {
        Arguments.Add(_run.Run);
        Use(_run, _output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota checkpoints verify brisk-otter", "Whether they are still what was written")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var run = _run.Open(parsed);
        var checkpoints = new CheckpointStore(run.Checkpoints).List();
        if (checkpoints.Count == 0)
        {
            throw new IotaException(ExitCode.RunState, $"run {run.Name} has no checkpoint yet");
        }

        var found = await Task.Run(() => checkpoints.Select(folder => new { Checkpoint = folder, Damage = FolderSums.FindDamage(folder) }).ToArray(), cancellationToken);
        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new { Run = run.Name, Checkpoints = found }, RunEventJson.Options));
        }
        else
        {
            foreach (var checkpoint in found)
            {
                await Console.Out.WriteLineAsync($"{Path.GetFileName(checkpoint.Checkpoint)}  {checkpoint.Damage ?? "sound"}");
            }
        }

        return (int)(found.All(checkpoint => checkpoint.Damage is null) ? ExitCode.Success : ExitCode.Model);
    }
}
