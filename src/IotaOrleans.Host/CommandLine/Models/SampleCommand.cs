using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Training.Inference;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota sample</c>: a model continues a text.</summary>
internal sealed class SampleCommand : IotaCommand
{
    private readonly Setting<string?> _model = new(SettingGroups.Model, "--model", "Folder of the model: a run, a checkpoint, or any Llama folder", Values.Text("DIR"), null)
    {
        Mandatory = true,
    };

    private readonly Setting<string?> _prompt = new(SettingGroups.Sampling, "--prompt", "Beginning of the text", Values.Text("TEXT"), "The ");
    private readonly Setting<int> _tokens = new(SettingGroups.Sampling, "--tokens", "Length of the continuation in tokens", Values.Whole(1, 1_000_000), 200);
    private readonly Setting<double> _temperature = new(SettingGroups.Sampling, "--temperature", "Divides the logits; 0 always takes the likeliest token", Values.Number(0, 100), 0.8);
    private readonly Setting<int> _topK = new(SettingGroups.Sampling, "--top-k", "How many of the likeliest tokens to choose from; 0 means all", Values.Whole(0, int.MaxValue), 40);
    private readonly Setting<ulong> _seed = new(SettingGroups.Sampling, "--seed", "Determines the choices", Values.Whole(0UL, ulong.MaxValue), 1);
    private readonly VerboseSetting _output = new();

    public SampleCommand()
        : base("sample", "Lets a model continue a text.")
    {
        Use(_output);
        Option[] options = [_model, _prompt, _tokens, _temperature, _topK, _seed];
        foreach (var option in options)
        {
            Options.Add(option);
        }
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota sample --model runs/NAME --prompt \"The \"", "Let the newest checkpoint of a run continue a text"),
        ("iota sample --model DIR --temperature 0", "The likeliest text, the same every time"),
    ];

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var model = ModelFolder.Find(_model.Of(parsed)!);
        var prompt = _prompt.Of(parsed)!;
        var options = new SamplingOptions(_temperature.Of(parsed), _topK.Of(parsed), _seed.Of(parsed));
        var begun = false;
        foreach (var piece in SampleText.Continue(model, prompt, _tokens.Of(parsed), options))
        {
            // The prompt only once the model is known to work: an error stands alone.
            Console.Out.Write(begun ? piece : prompt + piece);
            begun = true;
        }

        Console.Out.WriteLine();
        return Task.FromResult((int)ExitCode.Success);
    }
}
