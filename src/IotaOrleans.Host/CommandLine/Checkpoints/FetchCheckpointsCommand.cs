using System.CommandLine;
using IotaOrleans.Host.Archive;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;

namespace IotaOrleans.Host.CommandLine.Checkpoints;

/// <summary><c>iota checkpoints fetch</c>: a run from an archive, so that it can go on here.</summary>
internal sealed class FetchCheckpointsCommand : IotaCommand
{
    private readonly RunArgument _run = new();
    private readonly Setting<ArchiveAddress?> _archive = RunSettings.ArchiveOf("Where the run's checkpoints are");

    public FetchCheckpointsCommand()
        : base("fetch", "Fetches a run from an S3-compatible store, with its newest sound checkpoint, so that 'iota train --resume' can go on with it here.")
    {
        Arguments.Add(_run.Run);
        Options.Add(_archive);
        Use(_run);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota checkpoints fetch brisk-otter --archive s3://models/iota", "Go on with it on this machine")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var address = _archive.Of(parsed) ?? throw new IotaException(ExitCode.Usage, "--archive says where the run's checkpoints are");
        using var archive = new S3Archive(address);
        var checkpoint = await archive.FetchAsync(parsed.GetRequiredValue(_run.Run), _run.Runs(parsed), Console.Error.WriteLine, cancellationToken);
        await Console.Out.WriteLineAsync($"fetched {Figures.Place(checkpoint)}");
        return (int)ExitCode.Success;
    }
}
