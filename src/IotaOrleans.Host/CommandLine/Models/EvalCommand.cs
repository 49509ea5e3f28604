using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Inference;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota eval</c>: a model's loss on text it did not learn from.</summary>
internal sealed class EvalCommand : IotaCommand
{
    private readonly Setting<string?> _model = new(
        SettingGroups.Model, "--model", "Folder of the model: a run, a checkpoint, or any Llama folder", Values.Text("DIR"), null)
    {
        Mandatory = true,
    };

    private readonly DataSettings _data = new();
    private readonly Setting<int> _sequences = new(
        SettingGroups.Rhythm, "--evaluation-sequences", "Sequences of the validation split to judge on", Values.Whole(1, 1_000_000), 256);

    private readonly JsonSettings _output = new();

    public EvalCommand()
        : base("eval", "Measures a model's loss on the validation split of some data.")
    {
        Options.Add(_model);
        Options.Add(_sequences);
        Use(_data, _output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
        [("iota eval --model runs/NAME --data book.txt", "Loss of the newest checkpoint of a run on a text")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var interruption = new Interruption(beforeLeaving: () => { });
        var folder = ModelFolder.Find(_model.Of(parsed)!);
        var prepared = Directory.CreateTempSubdirectory("iota-eval-");
        try
        {
            using var model = LoadedModel.Load(folder);
            var options = Data(parsed, folder, model.Configuration);
            using var data = TokenDataSet.Prepare(options, prepared.FullName, minimumTokens: 2, progress: null, interruption.Requested);
            var result = await Task.Run(() => ModelEvaluator.Evaluate(model, data, _sequences.Of(parsed), interruption.Requested), cancellationToken);
            await Console.Out.WriteLineAsync(_output.Json.Of(parsed) ? Json(folder, options, result) : Line(options, result));
        }
        finally
        {
            prepared.Delete(recursive: true);
        }

        return (int)ExitCode.Success;
    }

    private DataSourceOptions Data(ParseResult parsed, string folder, ModelConfiguration model)
    {
        var options = _data.Read(parsed);
        return options with
        {
            Tokenizer = options.Tokenizer ?? (TokenizerLoader.TryLoad(folder) is not null ? folder : null),
            MaximumVocabularySize = model.VocabularySize,
        };
    }

    private static string Json(string folder, DataSourceOptions data, EvaluationResult result) => JsonSerializer.Serialize(
        new { model = folder, data = data.Data, result.ValidationLoss, result.Sequences, result.Tokens }, RunEventJson.Options);

    private static string Line(DataSourceOptions data, EvaluationResult result) =>
        $"loss {Figures.Loss(result.ValidationLoss)}, perplexity {Figures.Short(Math.Exp(result.ValidationLoss))}, "
        + $"on {Figures.Plural(result.Tokens, "token")} of {data.Data}";
}
