using System.Text;
using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace IotaOrleans.Training.Tokenization;

/// <summary>
/// Reads a Hugging Face <c>tokenizer.json</c> that holds a byte-level BPE, as those of GPT-2, Llama 3, Qwen and SmolLM do.
/// Anything that would be encoded otherwise than Hugging Face does is refused by name. An <c>NFC</c> normalizer is taken to
/// have been applied to the text already, for the program runs without the tables that it needs.
/// </summary>
internal sealed class HuggingFaceTokenizerFile
{
    public const string FileName = "tokenizer.json";

    private readonly string _path;
    private readonly JsonElement _root;

    private HuggingFaceTokenizerFile(string path, JsonElement root)
    {
        _path = path;
        _root = root;
    }

    public static BytePairTokenizer Read(string path)
    {
        var file = TokenizerLoader.ReadFile(path);
        try
        {
            using var document = JsonDocument.Parse(file);
            return new HuggingFaceTokenizerFile(path, document.RootElement).ToTokenizer(file);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new IotaException(ExitCode.Data, $"{path} is not a Hugging Face tokenizer: {exception.Message.ReplaceLineEndings(" ")} Get the file again.", exception);
        }
    }

    private BytePairTokenizer ToTokenizer(byte[] file)
    {
        var model = _root.GetProperty("model");
        CheckModel(model);
        CheckNormalizer(_root);
        var patterns = new PreTokenizerReader(Refusal).Read(Property(_root, "pre_tokenizer"));
        var vocabulary = model.GetProperty("vocab").EnumerateObject().ToDictionary(entry => entry.Name, entry => ReadId(entry.Value));
        var merges = model.GetProperty("merges").EnumerateArray().Select(ReadMerge).ToList();
        var addedTokens = ReadAddedTokens();

        var bytesOfId = new byte[]?[vocabulary.Values.Concat(addedTokens.Values).Max() + 1];
        foreach (var (token, id) in vocabulary)
        {
            bytesOfId[id] = ByteAlphabet.BytesOf(token);
        }

        foreach (var (token, id) in addedTokens)
        {
            bytesOfId[id] = Encoding.UTF8.GetBytes(token);
        }

        var encoder = IsTrue(model, "ignore_merges") ? MakeRankEncoder(vocabulary, merges, addedTokens, patterns) : MakeEncoder(vocabulary, merges, patterns);
        return new BytePairTokenizer(TokenizerKinds.HuggingFace, encoder, bytesOfId, addedTokens, FileName, file);
    }

    private BpeTokenizer MakeEncoder(Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges, IReadOnlyList<WordPattern> patterns)
    {
        var missing = Enumerable.Range(0, 256).Count(value => !vocabulary.ContainsKey(ByteAlphabet.SymbolOf((byte)value).ToString()));
        if (missing > 0)
        {
            throw Refusal($"a vocabulary that lacks {missing} of the 256 bytes");
        }

        return BpeTokenizer.Create(new BpeOptions(vocabulary)
        {
            Merges = merges.Select(merge => $"{merge.Left} {merge.Right}"),
            ByteLevel = true,
            PreTokenizer = new WordSplitter(patterns),
        });
    }

    /// <summary>With <c>ignore_merges</c> a whole word that has an id is taken at once: what tiktoken does, when ids are in the order of merging.</summary>
    private Tokenizer MakeRankEncoder(Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges, Dictionary<string, int> addedTokens, IReadOnlyList<WordPattern> patterns)
    {
        var words = vocabulary.Where(entry => !addedTokens.ContainsKey(entry.Key)).ToList();
        var merged = merges.Select(merge => vocabulary[merge.Left + merge.Right]).ToList();
        var isRanked = merged.Zip(merged.Skip(1)).All(pair => pair.First <= pair.Second);
        if (!isRanked || merged.Distinct().Count() != words.Count(entry => entry.Key.Length > 1))
        {
            throw Refusal("ignore_merges with ids that are not in the order of the merges");
        }

        return TiktokenFile.MakeEncoder(_path, words.ToDictionary(entry => entry.Value, entry => ByteAlphabet.BytesOf(entry.Key)), patterns);
    }

    private void CheckModel(JsonElement model)
    {
        // Files of early versions leave the type out; a BPE is then known by its merges.
        var type = Property(model, "type")?.GetString() ?? (Property(model, "merges") is null ? "without a type" : "BPE");
        if (type != "BPE")
        {
            throw Refusal($"a model of type {type}");
        }

        if (IsTrue(model, "byte_fallback"))
        {
            throw Refusal("a BPE with byte_fallback, as SentencePiece makes it");
        }

        foreach (var name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (Property(model, name)?.GetString() is { Length: > 0 } affix)
            {
                throw Refusal($"a BPE with the {name} '{affix}'");
            }
        }
    }

    private void CheckNormalizer(JsonElement root)
    {
        if (Property(root, "normalizer") is not { } normalizer)
        {
            return;
        }

        var type = normalizer.GetProperty("type").GetString();
        var parts = type == "Sequence" ? normalizer.GetProperty("normalizers").EnumerateArray().Select(part => part.GetProperty("type").GetString()) : [type];
        if (parts.FirstOrDefault(part => part != "NFC") is { } other)
        {
            throw Refusal($"a normalizer of type {other}");
        }
    }

    private Dictionary<string, int> ReadAddedTokens()
    {
        var tokens = new Dictionary<string, int>();
        foreach (var token in Property(_root, "added_tokens")?.EnumerateArray() ?? default)
        {
            var content = token.GetProperty("content").GetString()!;
            if (IsTrue(token, "lstrip") || IsTrue(token, "rstrip") || IsTrue(token, "single_word"))
            {
                throw Refusal($"the added token '{content}' with lstrip, rstrip or single_word");
            }

            if (content.Length > 0)
            {
                tokens[content] = ReadId(token.GetProperty("id"));
            }
        }

        return tokens;
    }

    private static (string Left, string Right) ReadMerge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array)
        {
            return (merge[0].GetString()!, merge[1].GetString()!);
        }

        var parts = merge.GetString()!.Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw new FormatException($"The merge '{merge.GetString()}' is not two tokens.");
    }

    private static int ReadId(JsonElement value)
    {
        return value.GetInt32() is >= 0 and <= BytePairTokenizer.GreatestId and var id ? id : throw new FormatException($"{value} is no token id.");
    }

    private static JsonElement? Property(JsonElement element, string name)
    {
        return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    private static bool IsTrue(JsonElement element, string name) => Property(element, name)?.GetBoolean() == true;

    private IotaException Refusal(string what)
    {
        return new IotaException(ExitCode.Data, $"{_path} has {what}, which is not supported; use a byte-level BPE such as GPT-2's, Llama 3's or Qwen's, a *.tiktoken, or the tokenizer 'bytes'.");
    }
}
