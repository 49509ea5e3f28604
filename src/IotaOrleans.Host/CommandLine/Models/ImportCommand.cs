using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Checking;
using IotaOrleans.Training.Export;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota import</c>: takes a model of others in, checked.</summary>
internal sealed class ImportCommand : IotaCommand
{
    private const string Models = "models";

    private readonly Argument<string> _model = new("dir") { Description = "Folder with a Llama model in Hugging Face layout: config.json, safetensors, tokenizer.json" };
    private readonly Setting<string?> _output = new(SettingGroups.Model, "--output", "The new folder", Values.Text("DIR"), null, "models/ and the folder's name");

    public ImportCommand()
        : base("import", "Takes a Llama model in Hugging Face layout in: checks that it computes as it should, and copies it, to train it on.")
    {
        Arguments.Add(_model);
        Options.Add(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota import ../SmolLM2-135M", "Then train it on with 'iota train --model models/SmolLM2-135M'")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var source = parsed.GetRequiredValue(_model);
        var target = _output.Of(parsed) ?? Path.Combine(Models, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(source))));
        await Task.Run(() => HuggingFaceFolder.Write(source, target, type: null, largestFile: 5_000_000_000), cancellationToken);
        var result = await Task.Run(() => ModelChecker.Check(target, model => StageSplitter.Split(model, Math.Min(2, model.BlockCount))), cancellationToken);
        if (!result.Passed)
        {
            Directory.Delete(target, recursive: true);
            throw new IotaException(ExitCode.Model, $"{source} computes otherwise in two stages than in one: largest relative error {result.MaxRelativeError:0.0e-0} ({result.WorstMeasurement})");
        }

        await Console.Out.WriteLineAsync($"{target}: {Figures.Short(result.Parameters)} parameters; train it on with 'iota train --model {target}'");
        return (int)ExitCode.Success;
    }
}
