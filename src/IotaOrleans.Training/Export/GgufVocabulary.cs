using System.Text;
using System.Text.Json;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Export;

/// <summary>The vocabulary of a model's <c>tokenizer.json</c> in the terms of GGUF: a byte-level BPE, which is called <c>gpt2</c> there.</summary>
internal sealed class GgufVocabulary
{
    private readonly string[] _tokens;
    private readonly int[] _kinds;
    private readonly string[] _merges;
    private readonly string _words;

    private GgufVocabulary(string[] tokens, int[] kinds, string[] merges, string words) => (_tokens, _kinds, _merges, _words) = (tokens, kinds, merges, words);

    /// <summary>The token that ends a text, or null when there is none.</summary>
    public int? EndOfText { get; private init; }

    private int? BeginOfText { get; init; }

    /// <summary>Reads the vocabulary of a model's folder, or null when it has none that GGUF can hold.</summary>
    public static GgufVocabulary? Read(string folder, int size)
    {
        var path = Path.Combine(folder, HuggingFaceTokenizerFile.FileName);
        if (!File.Exists(path) || TokenizerLoader.TryLoad(folder) is not { } tokenizer)
        {
            return null;
        }

        if (tokenizer.VocabularySize > size)
        {
            throw new IotaException(ExitCode.Model, $"{folder} has a tokenizer of {tokenizer.VocabularySize} tokens and a model that knows {size}");
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var model = document.RootElement.GetProperty("model");
        // Rows of the embedding that no token has.
        string[] tokens = [.. Enumerable.Range(0, size).Select(id => $"[PAD{id}]")];
        var kinds = Enumerable.Repeat(TokenKind.Unused, size).ToArray();
        foreach (var entry in model.GetProperty("vocab").EnumerateObject())
        {
            var id = entry.Value.GetInt32();
            (tokens[id], kinds[id]) = (tokenizer.Kind == TokenizerKinds.Characters ? Spell(entry.Name) : entry.Name, TokenKind.Normal);
        }

        foreach (var added in document.RootElement.TryGetProperty("added_tokens", out var list) ? list.EnumerateArray().ToArray() : [])
        {
            var id = added.GetProperty("id").GetInt32();
            (tokens[id], kinds[id]) = (added.GetProperty("content").GetString()!, added.TryGetProperty("special", out var special) && special.GetBoolean() ? TokenKind.Control : TokenKind.Given);
        }

        return new GgufVocabulary(tokens, [.. kinds.Select(kind => (int)kind)], [.. model.GetProperty("merges").EnumerateArray().Select(Merge)], Words(document.RootElement))
        {
            BeginOfText = Special(folder, "bos_token_id", size),
            EndOfText = Special(folder, "eos_token_id", size),
        };
    }

    public void Describe(GgufWriter writer)
    {
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", _words);
        writer.Add("tokenizer.ggml.tokens", _tokens);
        writer.Add("tokenizer.ggml.token_type", _kinds);
        writer.Add("tokenizer.ggml.merges", _merges);
        if (BeginOfText is { } begin)
        {
            writer.Add("tokenizer.ggml.bos_token_id", (uint)begin);
        }

        if (EndOfText is { } end)
        {
            writer.Add("tokenizer.ggml.eos_token_id", (uint)end);
        }

        // Nothing is put before a text in training.
        writer.Add("tokenizer.ggml.add_bos_token", false);
    }

    private static string Spell(string symbol) => string.Concat(Encoding.UTF8.GetBytes(symbol).Select(ByteAlphabet.SymbolOf));

    private static string Merge(JsonElement merge) => merge.ValueKind == JsonValueKind.String ? merge.GetString()! : string.Join(' ', merge.EnumerateArray().Select(part => part.GetString()));

    /// <summary>llama.cpp knows patterns of words by the model that they come from.</summary>
    private static string Words(JsonElement root)
    {
        var text = root.TryGetProperty("pre_tokenizer", out var words) ? words.GetRawText() : "";
        return text.Contains(@"\\p{N}{1,3}", StringComparison.Ordinal) ? "llama-bpe" : "gpt-2";
    }

    private static int? Special(string folder, string key, int size)
    {
        using var configuration = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, LlamaConfigurationFile.Name)));
        return configuration.RootElement.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id >= 0 && id < size ? id : null;
    }

    private enum TokenKind
    {
        Normal = 1,
        Control = 3,
        Given = 4,
        Unused = 5,
    }
}
