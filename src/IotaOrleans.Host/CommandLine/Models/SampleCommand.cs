using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary><c>iota sample</c>: a model continues a text.</summary>
internal sealed class SampleCommand : IotaCommand
{
    private readonly Setting<string?> _model = new(SettingGroups.Model, "--model", "Folder of the model: a checkpoint, or any Llama folder", Values.Text("DIR"), null)
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
        var request = new SampleRequest(
            _model.Of(parsed)!, _prompt.Of(parsed)!, _tokens.Of(parsed), _temperature.Of(parsed), _topK.Of(parsed), _seed.Of(parsed));
        var generator = ModelServiceProvider.TextGenerator();
        Console.Out.Write(request.Prompt);
        generator.Generate(request, piece => Console.Out.Write(piece), cancellationToken);
        Console.Out.WriteLine();
        return Task.FromResult((int)ExitCode.Success);
    }
}
