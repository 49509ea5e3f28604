using IotaOrleans.Training.Data.Sources;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Data;

/// <summary>What <see cref="DataSourceOptions"/> point to: found, but not yet read.</summary>
/// <param name="Description">What it is, for people.</param>
/// <param name="Files">Every file whose change makes prepared data stale.</param>
/// <param name="Load">Reads what must be known before the first token.</param>
internal sealed record DataSource(string Description, IReadOnlyList<string> Files, Func<TokenStream> Load)
{
    /// <summary>Finds the source.</summary>
    public static DataSource Find(DataSourceOptions options)
    {
        if (File.Exists(options.Data))
        {
            var path = Path.GetFullPath(options.Data);
            return FromText(options, TextFiles.From(path, [path]));
        }

        throw new IotaException(
            ExitCode.Data,
            $"There is no file or folder '{options.Data}'; give --data a text file, a folder, a glob, a *.jsonl, a *.bin, or the name {DataSourceOptions.DotnetDocumentation}.");
    }

    private static DataSource FromText(DataSourceOptions options, TextSource text)
    {
        return new DataSource(text.Description, text.Files, () =>
        {
            var tokenizer = TokenizerLoader.Create(options.Tokenizer ?? TokenizerKinds.Bytes, text.Read);
            CheckVocabulary(options, tokenizer, text.Description);
            var tokens = TextPieces.CutBetweenWords(text.Read()).Select(piece => tokenizer.Encode(piece));
            return new TokenStream(tokenizer, tokenizer.VocabularySize, tokens, Validation: null);
        });
    }

    private static void CheckVocabulary(DataSourceOptions options, ITokenizer tokenizer, string source)
    {
        if (options.MaximumVocabularySize is not { } maximum || tokenizer.VocabularySize <= maximum)
        {
            return;
        }

        throw new IotaException(ExitCode.Data, tokenizer.Kind == TokenizerKinds.Characters
            ? $"{source} has {tokenizer.VocabularySize} distinct symbols and the vocabulary may have {maximum}; use the tokenizer 'bytes' (256 ids for any text), or allow {tokenizer.VocabularySize}."
            : $"The tokenizer '{options.Tokenizer ?? tokenizer.Kind}' has {tokenizer.VocabularySize} ids and the vocabulary may have {maximum}; allow {tokenizer.VocabularySize}, or use a smaller tokenizer.");
    }
}
