using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Inference;

/// <summary>How the next token is chosen.</summary>
/// <param name="Temperature">Divides the logits; zero takes the likeliest token.</param>
/// <param name="TopK">How many of the likeliest tokens to choose from; zero means all.</param>
/// <param name="Seed">Determines the choices.</param>
public sealed record SamplingOptions(double Temperature = 0.8, int TopK = 40, ulong Seed = 1);

/// <summary>Continues a text, token by token.</summary>
public static class TextGenerator
{
    /// <summary>Yields the continuation in pieces of whole characters, the prompt not included.</summary>
    /// <exception cref="IotaException">The prompt is empty or holds a symbol that the tokenizer does not know.</exception>
    public static IEnumerable<string> Generate(LoadedModel model, ITokenizer tokenizer, string prompt, int count, SamplingOptions options)
    {
        var tokens = tokenizer.Encode(prompt).Select(token => (long)token).ToList();
        if (tokens.Count == 0)
        {
            throw new IotaException(ExitCode.Usage, "the prompt is empty: give the model at least one character to continue");
        }

        // Tokens may hold part of a character only: decode the whole continuation and show what has become certain.
        var continuation = new List<int>();
        var shown = 0;
        for (var i = 0; i < count; i++)
        {
            var window = tokens.Skip(Math.Max(0, tokens.Count - model.Configuration.ContextLength)).ToArray();
            var next = Choose(model.PredictNext(window), options, i);
            tokens.Add(next);
            continuation.Add(next);
            var text = tokenizer.Decode([.. continuation]);
            var certain = i == count - 1 ? text.Length : text.TrimEnd('\uFFFD').Length;
            if (certain > shown)
            {
                yield return text[shown..certain];
                shown = certain;
            }
        }
    }

    private static int Choose(float[] logits, SamplingOptions options, int position)
    {
        var ranked = Enumerable.Range(0, logits.Length).OrderByDescending(token => logits[token]).ThenBy(token => token);
        if (options.Temperature == 0)
        {
            return ranked.First();
        }

        var candidates = (options.TopK > 0 ? ranked.Take(options.TopK) : ranked).ToArray();
        var best = logits[candidates[0]];
        var weights = candidates.Select(token => Math.Exp((logits[token] - best) / options.Temperature)).ToArray();
        var remaining = Models.CounterRandom.Uniform(options.Seed, (ulong)position) * weights.Sum();
        for (var i = 0; i < candidates.Length; i++)
        {
            remaining -= weights[i];
            if (remaining < 0)
            {
                return candidates[i];
            }
        }

        return candidates[^1];
    }
}
