using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace IotaOrleans.Training.Tokenization;

/// <summary>
/// Reads a <c>*.tiktoken</c>: a line per token, its bytes in base 64 and its rank. The file does not say how words are cut, so
/// that is known by its name: <c>r50k_base</c>, <c>p50k_base</c> and <c>gpt2</c> as GPT-2, <c>o200k_base</c> as GPT-4o, and
/// any other as <c>cl100k_base</c>, GPT-4, which most later vocabularies follow.
/// </summary>
internal static class TiktokenFile
{
    public const string Extension = ".tiktoken";

    public static BytePairTokenizer Read(string path)
    {
        var file = TokenizerLoader.ReadFile(path);
        var bytesOfRank = Parse(path, file);
        var (pattern, addedTokens) = Encoding(Path.GetFileNameWithoutExtension(path));

        var size = Math.Max(bytesOfRank.Keys.Max(), addedTokens.Count == 0 ? 0 : addedTokens.Values.Max()) + 1;
        var bytesOfId = new byte[]?[size];
        foreach (var (rank, bytes) in bytesOfRank)
        {
            bytesOfId[rank] = bytes;
        }

        foreach (var (token, id) in addedTokens)
        {
            bytesOfId[id] = System.Text.Encoding.UTF8.GetBytes(token);
        }

        return new BytePairTokenizer(TokenizerKinds.Tiktoken, MakeEncoder(path, bytesOfRank, [WordPattern.From(pattern)]), bytesOfId, addedTokens, Path.GetFileName(path), file);
    }

    /// <summary>An encoder that takes a whole word when it has a rank, and else merges the pair of least rank first.</summary>
    public static Tokenizer MakeEncoder(string path, IReadOnlyDictionary<int, byte[]> bytesOfRank, IReadOnlyList<WordPattern> patterns)
    {
        var singles = bytesOfRank.Values.Where(bytes => bytes.Length == 1).Select(bytes => bytes[0]).Distinct().Count();
        if (singles < 256)
        {
            throw new IotaException(ExitCode.Data, $"{path} has tokens for {singles} of the 256 bytes, so there is text that it cannot encode; use a complete tokenizer.");
        }

        var lines = new StringBuilder();
        foreach (var (rank, bytes) in bytesOfRank)
        {
            lines.Append(Convert.ToBase64String(bytes)).Append(' ').Append(CultureInfo.InvariantCulture, $"{rank}").Append('\n');
        }

        using var stream = new MemoryStream(System.Text.Encoding.ASCII.GetBytes(lines.ToString()));
        return TiktokenTokenizer.Create(stream, new WordSplitter(patterns), normalizer: null);
    }

    private static Dictionary<int, byte[]> Parse(string path, byte[] file)
    {
        var ranks = new Dictionary<int, byte[]>();
        var seen = new HashSet<string>();
        var number = 0;
        foreach (var line in System.Text.Encoding.UTF8.GetString(file).Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var parts = line.TrimEnd('\r').Split(' ');
            if (parts.Length != 2
                || !Base64.IsValid(parts[0])
                || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var rank)
                || rank > BytePairTokenizer.GreatestId
                || !seen.Add(parts[0])
                || !ranks.TryAdd(rank, Convert.FromBase64String(parts[0])))
            {
                throw new IotaException(ExitCode.Data, $"{path} line {number} is not a token in base 64 and a rank, both new, with a space between; get the file again.");
            }
        }

        return ranks.Count > 0 ? ranks : throw new IotaException(ExitCode.Data, $"{path} is empty: it has no tokens; get the file again.");
    }

    private static (string Pattern, Dictionary<string, int> AddedTokens) Encoding(string name) => name switch
    {
        "gpt2" or "r50k_base" or "p50k_base" => (WordPattern.Gpt2, new() { ["<|endoftext|>"] = 50256 }),
        "o200k_base" => (WordPattern.O200k, new() { ["<|endoftext|>"] = 199999, ["<|endofprompt|>"] = 200018 }),
        "cl100k_base" => (WordPattern.Cl100k, new()
        {
            ["<|endoftext|>"] = 100257,
            ["<|fim_prefix|>"] = 100258,
            ["<|fim_middle|>"] = 100259,
            ["<|fim_suffix|>"] = 100260,
            ["<|endofprompt|>"] = 100276,
        }),
        _ => (WordPattern.Cl100k, []),
    };
}
