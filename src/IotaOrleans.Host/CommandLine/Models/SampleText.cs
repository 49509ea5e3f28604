using IotaOrleans.Training.Inference;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary>Lets a model folder continue a text.</summary>
internal static class SampleText
{
    /// <summary>The continuation in pieces, the prompt not included.</summary>
    public static IEnumerable<string> Continue(string model, string prompt, int tokens, SamplingOptions options)
    {
        using var loaded = LoadedModel.Load(model);
        var tokenizer = TokenizerLoader.TryLoad(model)
            ?? throw new IotaException(ExitCode.Data, $"{model} has no tokenizer: put its tokenizer.json beside config.json");
        foreach (var piece in TextGenerator.Generate(loaded, tokenizer, prompt, tokens, options))
        {
            yield return piece;
        }
    }
}
