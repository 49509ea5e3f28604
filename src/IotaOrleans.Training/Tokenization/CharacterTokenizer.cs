using System.Text;

namespace IotaOrleans.Training.Tokenization;

/// <summary>
/// One id per distinct Unicode scalar value, in ascending order: the vocabulary of nanoGPT's <c>shakespeare_char</c>.
/// </summary>
public sealed class CharacterTokenizer : ITokenizer
{
    private const int Unknown = -1;

    private readonly Rune[] _symbols;
    private readonly int[] _idOfScalar;

    private CharacterTokenizer(Rune[] symbols)
    {
        _symbols = symbols;
        _idOfScalar = new int[symbols.Length == 0 ? 0 : symbols.Max(symbol => symbol.Value) + 1];
        Array.Fill(_idOfScalar, Unknown);
        for (var id = 0; id < symbols.Length; id++)
        {
            _idOfScalar[symbols[id].Value] = id;
        }
    }

    /// <summary>A tokenizer of the symbols that occur in a corpus, which may come in any number of pieces.</summary>
    public static CharacterTokenizer FromCorpus(IEnumerable<string> corpus)
    {
        var seen = new HashSet<Rune>();
        foreach (var piece in corpus)
        {
            foreach (var symbol in piece.EnumerateRunes())
            {
                seen.Add(symbol);
            }
        }

        return new CharacterTokenizer([.. seen.Order()]);
    }

    /// <summary>A tokenizer whose ids are the places in a string of distinct symbols.</summary>
    public static CharacterTokenizer FromSymbols(string symbols)
    {
        var runes = symbols.EnumerateRunes().ToArray();
        return runes.Distinct().Count() == runes.Length
            ? new CharacterTokenizer(runes)
            : throw new IotaException(ExitCode.Data, "A characters tokenizer lists a symbol twice; delete its folder and prepare the data again.");
    }

    /// <inheritdoc />
    public string Kind => TokenizerKinds.Characters;

    /// <inheritdoc />
    public int VocabularySize => _symbols.Length;

    /// <summary>The symbols in the order of their ids.</summary>
    public string Symbols => string.Concat(_symbols);

    /// <inheritdoc />
    public int[] Encode(ReadOnlySpan<char> text)
    {
        var tokens = new int[text.Length];
        var count = 0;
        foreach (var symbol in text.EnumerateRunes())
        {
            var id = symbol.Value < _idOfScalar.Length ? _idOfScalar[symbol.Value] : Unknown;
            tokens[count++] = id != Unknown ? id : throw UnknownSymbol(symbol);
        }

        Array.Resize(ref tokens, count);
        return tokens;
    }

    /// <inheritdoc />
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var text = new StringBuilder(tokens.Length);
        Span<char> buffer = stackalloc char[2];
        foreach (var token in tokens)
        {
            var symbol = (uint)token < (uint)_symbols.Length ? _symbols[token] : Rune.ReplacementChar;
            text.Append(buffer[..symbol.EncodeToUtf16(buffer)]);
        }

        return text.ToString();
    }

    /// <inheritdoc />
    public void Save(string directory)
    {
        TokenizerManifest.Write(directory, new TokenizerManifest(Kind, Symbols));
        HuggingFaceExport.WriteSymbols(directory, _symbols.Select(symbol => symbol.ToString()));
    }

    private IotaException UnknownSymbol(Rune symbol)
    {
        var shown = Rune.IsControl(symbol) ? "" : $"'{symbol}' ";
        return new IotaException(
            ExitCode.Data,
            $"The symbol {shown}(U+{symbol.Value:X4}) is none of the {VocabularySize} that this characters tokenizer was made from; leave it out, or train with the tokenizer 'bytes', which knows every symbol.");
    }
}
