using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace IotaOrleans.Training.Tokenization;

/// <summary>
/// A byte-level BPE tokenizer, from a Hugging Face <c>tokenizer.json</c> or a <c>*.tiktoken</c>. It adds no template tokens
/// such as a beginning-of-text, and turns added tokens that are spelled out in the text into their ids, as Hugging Face does.
/// </summary>
public sealed class BytePairTokenizer : ITokenizer
{
    /// <summary>No vocabulary comes near it; a greater id is a damaged file.</summary>
    internal const int GreatestId = (1 << 24) - 1;

    private readonly Tokenizer _encoder;
    private readonly byte[]?[] _bytesOfId;
    private readonly IReadOnlyDictionary<string, int> _addedTokens;
    private readonly Regex? _addedTokenPattern;
    private readonly string _fileName;
    private readonly byte[] _file;

    /// <param name="kind">One of <see cref="TokenizerKinds"/>.</param>
    /// <param name="encoder">Merges byte pairs within words.</param>
    /// <param name="bytesOfId">What each id spells; null for ids that nothing has.</param>
    /// <param name="addedTokens">Tokens that are found in the text before anything else.</param>
    /// <param name="fileName">The name under which the tokenizer is saved.</param>
    /// <param name="file">What is saved: the very bytes that were loaded.</param>
    internal BytePairTokenizer(string kind, Tokenizer encoder, byte[]?[] bytesOfId, IReadOnlyDictionary<string, int> addedTokens, string fileName, byte[] file)
    {
        Kind = kind;
        _encoder = encoder;
        _bytesOfId = bytesOfId;
        _addedTokens = addedTokens;
        _fileName = fileName;
        _file = file;
        if (addedTokens.Count > 0)
        {
            var longestFirst = addedTokens.Keys.OrderByDescending(token => token.Length).ThenBy(token => token, StringComparer.Ordinal);
            _addedTokenPattern = new Regex(string.Join('|', longestFirst.Select(Regex.Escape)), RegexOptions.Compiled | RegexOptions.CultureInvariant);
        }
    }

    /// <inheritdoc />
    public string Kind { get; }

    /// <inheritdoc />
    public int VocabularySize => _bytesOfId.Length;

    /// <inheritdoc />
    public int[] Encode(ReadOnlySpan<char> text)
    {
        var tokens = new List<int>(text.Length / 2);
        var done = 0;
        if (_addedTokenPattern is not null)
        {
            foreach (var match in _addedTokenPattern.EnumerateMatches(text))
            {
                AddWords(tokens, text[done..match.Index]);
                done = match.Index + match.Length;
                tokens.Add(_addedTokens[text[match.Index..done].ToString()]);
            }
        }

        AddWords(tokens, text[done..]);
        return [.. tokens];
    }

    /// <inheritdoc />
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var bytes = new ByteBuilder(tokens.Length * 4);
        foreach (var token in tokens)
        {
            if ((uint)token < (uint)_bytesOfId.Length && _bytesOfId[token] is { } spelled)
            {
                bytes.Add(spelled);
            }
            else
            {
                bytes.AddReplacement();
            }
        }

        return bytes.ToText();
    }

    /// <inheritdoc />
    public void Save(string directory)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllBytes(Path.Combine(directory, _fileName), _file);
        TokenizerManifest.Write(directory, new TokenizerManifest(Kind, File: _fileName));
    }

    private void AddWords(List<int> tokens, ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty)
        {
            tokens.AddRange(_encoder.EncodeToIds(text));
        }
    }
}
