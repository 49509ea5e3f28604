using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training.Data;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota eval</c>: a model's loss on text it did not learn from.</summary>
internal sealed class EvalCommand : IotaCommand
{
    private readonly Setting<string?> _model = new(SettingGroups.Model, "--model", "Folder of the model: a checkpoint, or any Llama folder", Values.Text("DIR"), null)
    {
        Mandatory = true,
    };

    private readonly DataSettings _data = new();
    private readonly Setting<int> _sequences = new(
        SettingGroups.Rhythm, "--evaluation-sequences", "Sequences of the validation split to judge on", Values.Whole(1, 1_000_000), 96);

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

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var evaluator = ModelServiceProvider.Evaluator();
        var model = _model.Of(parsed)!;
        var prepared = Directory.CreateTempSubdirectory("iota-eval-");
        try
        {
            var data = _data.Read(parsed) with { Tokenizer = _data.Tokenizer.Of(parsed) ?? model };
            var request = new EvaluationRequest(model, data, prepared.FullName, _sequences.Of(parsed));
            var evaluation = evaluator.Evaluate(request, new Progress<string>(), cancellationToken);
            Console.Out.WriteLine(_output.Json.Of(parsed)
                ? JsonSerializer.Serialize(evaluation, RunEventJson.Options)
                : $"loss {Figures.Loss(evaluation.ValidationLoss)}, perplexity {Figures.Short(Math.Exp(evaluation.ValidationLoss))}, "
                    + $"on {Figures.Plural(evaluation.Tokens, "token")} of {data.Data}");
        }
        finally
        {
            prepared.Delete(recursive: true);
        }

        return Task.FromResult((int)ExitCode.Success);
    }
}
