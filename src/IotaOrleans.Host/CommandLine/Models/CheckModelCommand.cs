using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota check-model</c>: proves that a model is readable and that cutting it changes nothing.</summary>
internal sealed class CheckModelCommand : IotaCommand
{
    private readonly Argument<string> _model = new("dir") { Description = "Folder of the model: config.json and safetensors" };
    private readonly Setting<int> _stages = new(SettingGroups.Swarm, "--stages", "Pipeline stages to cut it into", Values.Whole(1, 1024), 2);
    private readonly JsonSettings _output = new();

    public CheckModelCommand()
        : base("check-model", "Checks a model's files, and that it computes the same cut into stages as in one piece.")
    {
        Arguments.Add(_model);
        Options.Add(_stages);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
        [("iota check-model runs/NAME --stages 4", "Compare the newest checkpoint of a run in one and in four pieces")];

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var check = ModelServiceProvider.Checker().Check(parsed.GetRequiredValue(_model), _stages.Of(parsed), cancellationToken);
        Console.Out.WriteLine(_output.Json.Of(parsed)
            ? JsonSerializer.Serialize(check, RunEventJson.Options)
            : $"{(check.Passed ? "ok" : "different")}: {Figures.Short(check.Parameters)} parameters, "
                + $"one piece and {Figures.Plural(check.Stages, "stage")} differ by at most {check.LargestDifference:0.0e-0}");
        return Task.FromResult((int)(check.Passed ? ExitCode.Success : ExitCode.Failed));
    }
}
