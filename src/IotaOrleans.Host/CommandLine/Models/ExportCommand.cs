using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Export;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota export</c>: a trained model for other programs.</summary>
internal sealed class ExportCommand : IotaCommand
{
    private readonly Argument<string> _model = new("dir") { Description = "Folder of the model: a run, a checkpoint, or any Llama folder" };
    private readonly Setting<string?> _output = new(SettingGroups.Model, "--output", "Where to: a new folder, or for gguf a new file", Values.Text("PATH"), null) { Mandatory = true };
    private readonly Setting<ExportFormat> _format = new(
        SettingGroups.Model, "--format", "hf for transformers and alike, gguf for llama.cpp",
        Values.OneOf(("hf", ExportFormat.HuggingFace), ("gguf", ExportFormat.Gguf)), ExportFormat.HuggingFace);

    private readonly Setting<SafetensorsDType?> _type = new(
        SettingGroups.Model, "--dtype", "Type of the weights; gguf has fp32 and fp16",
        Values.OneOf(("fp32", SafetensorsDType.F32), ("bf16", SafetensorsDType.BF16), ("fp16", SafetensorsDType.F16)).OrNone(), null, "as they are");

    private readonly Setting<int> _largestFile = new(SettingGroups.Model, "--largest-file", "Most megabytes of weights in one file of the hf format", Values.Whole(1, 1_000_000), 5_000);

    public ExportCommand()
        : base("export", "Writes a model for other programs: in Hugging Face layout, or as one GGUF file.")
    {
        Arguments.Add(_model);
        Options.Add(_output);
        Options.Add(_format);
        Options.Add(_type);
        Options.Add(_largestFile);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota export runs/NAME --output my-model --dtype bf16", "The newest checkpoint for transformers, in half the bytes"),
        ("iota export runs/NAME --output my-model.gguf --format gguf --dtype fp16", "One file for llama.cpp"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var source = ModelFolder.Find(parsed.GetRequiredValue(_model));
        var target = _output.Of(parsed)!;
        var type = _type.Of(parsed);
        if (_format.Of(parsed) == ExportFormat.HuggingFace)
        {
            var files = await Task.Run(() => HuggingFaceFolder.Write(source, target, type, _largestFile.Of(parsed) * 1_000_000L), cancellationToken);
            await Console.Out.WriteLineAsync($"{target}: {Figures.Plural(files, "file")} of weights; 'iota check-model {target}' checks it");
            return (int)ExitCode.Success;
        }

        if (type == SafetensorsDType.BF16)
        {
            throw new IotaException(ExitCode.Usage, "--dtype bf16 is not for --format gguf: choose fp32 or fp16");
        }

        var ends = await Task.Run(() => GgufModel.Write(source, target, type == SafetensorsDType.F16 ? GgufType.F16 : GgufType.F32, Path.GetFileNameWithoutExtension(target)), cancellationToken);
        await Console.Out.WriteLineAsync($"{target}: {Figures.Bytes(new FileInfo(target).Length)}");
        if (!ends)
        {
            await Console.Error.WriteLineAsync("the vocabulary has no token that ends a text, and llama.cpp takes token 11 for one: run it with --ignore-eos");
        }

        return (int)ExitCode.Success;
    }

    private enum ExportFormat
    {
        HuggingFace,
        Gguf,
    }
}
