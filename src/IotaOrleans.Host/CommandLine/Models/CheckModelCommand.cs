using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Checking;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota check-model</c>: proves that a model is readable and that cutting it changes nothing.</summary>
internal sealed class CheckModelCommand : IotaCommand
{
    private readonly Argument<string> _model = new("dir") { Description = "Folder of the model: a run, a checkpoint, or any Llama folder" };
    private readonly Setting<int> _stages = new(SettingGroups.Swarm, "--stages", "Pipeline stages to cut it into; a model with bottlenecks is cut where they are", Values.Whole(1, 1024), 2);
    private readonly JsonSettings _output = new();

    public CheckModelCommand()
        : base("check-model", "Checks a model's files, and that it computes and learns the same cut into stages as in one piece.")
    {
        Arguments.Add(_model);
        Options.Add(_stages);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
        [("iota check-model runs/NAME --stages 4", "Compare the newest checkpoint of a run in one and in four pieces")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var folder = ModelFolder.Find(parsed.GetRequiredValue(_model));
        var stages = _stages.Of(parsed);
        var result = await Task.Run(() => ModelChecker.Check(folder, model => StageSplitter.Split(model, stages)), cancellationToken);
        await Console.Out.WriteLineAsync(_output.Json.Of(parsed) ? JsonSerializer.Serialize(result, RunEventJson.Options) : Line(result));
        return (int)(result.Passed ? ExitCode.Success : ExitCode.Failed);
    }

    private static string Line(ModelCheckResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(result.Passed ? "ok" : "different")}: {Figures.Short(result.Parameters)} parameters in {Figures.Plural(result.Stages, "stage")} against {result.Reference}, "
            + $"largest relative error {result.MaxRelativeError:0.0e-0} ({result.WorstMeasurement})");
}
