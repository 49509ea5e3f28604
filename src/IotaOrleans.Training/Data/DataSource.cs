using IotaOrleans.Training.Data.Sources;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Data;

/// <summary>What <see cref="DataSourceOptions"/> point to: found, but not yet read.</summary>
/// <param name="Description">What it is, for people.</param>
/// <param name="Files">Every file whose change makes prepared data stale.</param>
/// <param name="KeepsValidationApart">Whether the validation tokens come from a file of their own.</param>
/// <param name="Load">Reads what must be known before the first token.</param>
internal sealed record DataSource(string Description, IReadOnlyList<string> Files, bool KeepsValidationApart, Func<TokenStream> Load)
{
    /// <summary>Finds the source.</summary>
    public static DataSource Find(DataSourceOptions options)
    {
        return TokenFiles.TryFind(options) ?? FromText(options, FindText(options));
    }

    /// <summary>Refuses a tokenizer with more ids than the options allow.</summary>
    public static void CheckVocabulary(DataSourceOptions options, ITokenizer? tokenizer, string source)
    {
        if (options.MaximumVocabularySize is not { } maximum || tokenizer is null || tokenizer.VocabularySize <= maximum)
        {
            return;
        }

        throw new IotaException(ExitCode.Data, tokenizer.Kind == TokenizerKinds.Characters
            ? $"{source} has {tokenizer.VocabularySize} distinct symbols and the vocabulary may have {maximum}; use the tokenizer 'bytes' (256 ids for any text), or allow {tokenizer.VocabularySize}."
            : $"The tokenizer '{options.Tokenizer ?? tokenizer.Kind}' has {tokenizer.VocabularySize} ids and the vocabulary may have {maximum}; allow {tokenizer.VocabularySize}, or use a smaller tokenizer.");
    }

    private static TextSource FindText(DataSourceOptions options) => options.Data switch
    {
        DataSourceOptions.DotnetDocumentation => DotnetDocumentation.Find(DotnetInstallations.Roots()),
        var path when File.Exists(path) => TextFiles.FromFile(path, options.Field),
        var path when Directory.Exists(path) => TextFiles.FromFolder(path, options.Field),
        var glob when TextFiles.IsGlob(glob) => TextFiles.FromGlob(glob, options.Field),
        _ => throw new IotaException(
            ExitCode.Data,
            $"There is no file or folder '{options.Data}'; give --data a text file, a folder, a glob, a *.jsonl, a *.bin, or the name {DataSourceOptions.DotnetDocumentation}."),
    };

    private static DataSource FromText(DataSourceOptions options, TextSource text)
    {
        return new DataSource(text.Description, text.Files, KeepsValidationApart: false, () =>
        {
            var tokenizer = TokenizerLoader.Create(options.Tokenizer ?? TokenizerKinds.Bytes, text.Read);
            CheckVocabulary(options, tokenizer, text.Description);
            var tokens = TextPieces.CutBetweenWords(text.Read()).Select(piece => Encode(tokenizer, piece, text.Description));
            return new TokenStream(tokenizer, tokenizer.VocabularySize, tokens, Validation: null);
        });
    }

    private static int[] Encode(ITokenizer tokenizer, string piece, string source)
    {
        try
        {
            return tokenizer.Encode(piece);
        }
        catch (IotaException exception)
        {
            throw new IotaException(exception.ExitCode, $"{source}: {exception.Message}", exception);
        }
    }
}
