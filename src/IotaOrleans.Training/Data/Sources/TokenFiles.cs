using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Data.Sources;

/// <summary>
/// Tokens that are ready: one <c>*.bin</c>, or nanoGPT's <c>train.bin</c> and <c>val.bin</c>, two bytes per token unless a
/// <c>data.json</c> beside them says four.
/// </summary>
internal sealed class TokenFiles
{
    private const int BlockLength = 16 * 1024;

    private readonly DataSourceOptions _options;
    private readonly string _folder;
    private readonly string _train;
    private readonly string? _validation;
    private readonly DataSetDescription? _prepared;

    private TokenFiles(DataSourceOptions options, string train, string? validation)
    {
        _options = options;
        _train = Path.GetFullPath(train);
        _folder = Path.GetDirectoryName(_train)!;
        _validation = validation is null ? null : Path.GetFullPath(validation);
        _prepared = DataSetDescription.TryRead(_folder);
    }

    /// <summary>The source, when the options point to token files; else null.</summary>
    public static DataSource? TryFind(DataSourceOptions options)
    {
        var path = Directory.Exists(options.Data) ? Path.Combine(options.Data, TokenDataSet.TrainFileName) : options.Data;
        if (Path.GetExtension(path) != ".bin" || !File.Exists(path))
        {
            return null;
        }

        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, TokenDataSet.ValidationFileName);
        var isPair = Path.GetFileName(path) == TokenDataSet.TrainFileName && File.Exists(beside);
        var files = new TokenFiles(options, path, isPair ? beside : null);
        string[] all = isPair ? [files._train, files._validation!] : [files._train];
        return new DataSource(files._train, all, KeepsValidationApart: isPair, files.Load);
    }

    private TokenStream Load()
    {
        var tokenizer = FindTokenizer();
        DataSource.CheckVocabulary(_options, tokenizer, _train);
        var known = _options.MaximumVocabularySize ?? tokenizer?.VocabularySize ?? _prepared?.VocabularySize;
        var greatest = Math.Max(GreatestToken(_train, known), _validation is null ? 0 : GreatestToken(_validation, known));
        return new TokenStream(tokenizer, known ?? greatest + 1, Blocks(_train), _validation is null ? null : Blocks(_validation));
    }

    private ITokenizer? FindTokenizer()
    {
        if (_options.Tokenizer is not { } specification)
        {
            return TokenizerLoader.TryLoad(_folder);
        }

        return TokenizerLoader.Create(specification, () => throw new IotaException(
            ExitCode.Usage,
            $"{_train} holds tokens, and the tokenizer '{specification}' can only be made from text; name the one that the tokens were made with, or none."));
    }

    private int GreatestToken(string path, int? vocabularySize)
    {
        var greatest = 0;
        var place = 0L;
        foreach (var block in Blocks(path))
        {
            foreach (var token in block)
            {
                if ((uint)token >= (uint)(vocabularySize ?? int.MaxValue))
                {
                    throw new IotaException(
                        ExitCode.Data,
                        $"{path} has the token {token} at place {place}, outside the vocabulary of {vocabularySize}; use the tokenizer that made the tokens, or a greater vocabulary.");
                }

                greatest = Math.Max(greatest, token);
                place++;
            }
        }

        return greatest;
    }

    private IEnumerable<int[]> Blocks(string path)
    {
        using var file = TokenFile.Open(path, _prepared?.BytesPerToken ?? sizeof(ushort));
        var tokens = new long[BlockLength];
        for (var offset = 0L; offset < file.Count; offset += BlockLength)
        {
            var length = (int)Math.Min(BlockLength, file.Count - offset);
            file.Read(offset, tokens.AsSpan(0, length));
            yield return Array.ConvertAll(tokens[..length], token => (int)token);
        }
    }
}
