using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IotaOrleans.Training.Tokenization;

/// <summary>
/// Writes the tokenizers that have no merges as a <c>tokenizer.json</c>, so that a model trained with them opens elsewhere too.
/// </summary>
internal static class HuggingFaceExport
{
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The 256 bytes as a byte-level BPE.</summary>
    public static void WriteBytes(string directory)
    {
        var byteLevel = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false };
        Write(directory, Enumerable.Range(0, 256).Select(value => ByteAlphabet.SymbolOf((byte)value).ToString()), byteLevel, byteLevel.DeepClone());
    }

    /// <summary>Symbols as a BPE over text, whose parts are joined without anything between.</summary>
    public static void WriteSymbols(string directory, IEnumerable<string> symbols)
    {
        Write(directory, symbols, preTokenizer: null, new JsonObject { ["type"] = "Fuse" });
    }

    private static void Write(string directory, IEnumerable<string> symbols, JsonNode? preTokenizer, JsonNode decoder)
    {
        var vocabulary = new JsonObject(symbols.Select((symbol, id) => KeyValuePair.Create(symbol, (JsonNode?)id)));
        var file = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = null,
            ["decoder"] = decoder,
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
        };
        File.WriteAllText(Path.Combine(directory, HuggingFaceTokenizerFile.FileName), file.ToJsonString(JsonOptions) + "\n");
    }
}
