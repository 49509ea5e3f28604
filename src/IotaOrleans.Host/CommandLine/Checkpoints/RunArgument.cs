using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Runs;

namespace IotaOrleans.Host.CommandLine.Checkpoints;

/// <summary>The run that a command is about: a name among the runs, or the path of a run's folder.</summary>
internal sealed class RunArgument : ISettings
{
    private readonly Setting<string?> _runs = RunSettings.RunsFolder();

    public Argument<string> Run { get; } = new("run") { Description = "The run: its name, or the path of its folder" };

    public IEnumerable<Option> All => [_runs];

    /// <summary>Folder of the runs.</summary>
    public string Runs(ParseResult parsed) => _runs.Of(parsed)!;

    public RunFolder Open(ParseResult parsed) => RunFolder.Open(_runs.Of(parsed)!, parsed.GetRequiredValue(Run));
}
