namespace IotaOrleans.Training.Tokenization;

/// <summary>Finds the tokenizer that a person asked for, or that a folder holds.</summary>
public static class TokenizerLoader
{
    /// <summary>Makes a tokenizer.</summary>
    /// <param name="specification"><c>bytes</c>, <c>characters</c>, or the path of a <c>tokenizer.json</c>, a <c>*.tiktoken</c>, or a folder that holds one of these.</param>
    /// <param name="corpus">The text in pieces; read by <c>characters</c> only.</param>
    /// <exception cref="IotaException">Nothing is there, or it is of a kind that is not supported.</exception>
    public static ITokenizer Create(string specification, Func<IEnumerable<string>> corpus) => specification switch
    {
        TokenizerKinds.Bytes => new ByteTokenizer(),
        TokenizerKinds.Characters => CharacterTokenizer.FromCorpus(corpus()),
        _ when Directory.Exists(specification) => Load(specification),
        _ when File.Exists(specification) => ReadByExtension(specification),
        _ => throw new IotaException(
            ExitCode.Data,
            $"There is no tokenizer '{specification}': use 'bytes', 'characters', or the path of a tokenizer.json, a *.tiktoken or a folder that holds one."),
    };

    /// <summary>Reads what <see cref="ITokenizer.Save"/> wrote, or the <c>tokenizer.json</c> of a Hugging Face folder.</summary>
    /// <exception cref="IotaException">The folder holds no tokenizer, or one of a kind that is not supported.</exception>
    public static ITokenizer Load(string directory)
    {
        return TryLoad(directory)
            ?? throw new IotaException(ExitCode.Data, $"The folder {directory} holds no tokenizer: give one with a tokenizer.json or a *.tiktoken.");
    }

    /// <summary>As <see cref="Load"/>, but null when the folder holds no tokenizer.</summary>
    public static ITokenizer? TryLoad(string directory)
    {
        var manifest = TokenizerManifest.TryRead(directory);
        return manifest?.Kind switch
        {
            TokenizerKinds.Bytes => new ByteTokenizer(),
            TokenizerKinds.Characters => CharacterTokenizer.FromSymbols(manifest.Symbols ?? ""),
            _ => FindFile(directory, manifest) is { } path ? ReadByExtension(path) : null,
        };
    }

    /// <summary>The files that a specification is read from: when one changes, so does the tokenizer.</summary>
    internal static IEnumerable<string> FilesOf(string? specification)
    {
        return specification switch
        {
            null or TokenizerKinds.Bytes or TokenizerKinds.Characters => [],
            _ when Directory.Exists(specification) => new[] { Path.Combine(specification, TokenizerManifest.FileName), FindFile(specification, TokenizerManifest.TryRead(specification)) }.OfType<string>().Where(File.Exists),
            _ => [specification],
        };
    }

    internal static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IotaException(ExitCode.Data, $"The tokenizer {path} cannot be read: {exception.Message} Check that it exists and that you may read it.", exception);
        }
    }

    private static string? FindFile(string directory, TokenizerManifest? manifest)
    {
        if (manifest?.File is { } name)
        {
            return Path.Combine(directory, Path.GetFileName(name));
        }

        if (!Directory.Exists(directory))
        {
            return null;
        }

        var huggingFace = Path.Combine(directory, HuggingFaceTokenizerFile.FileName);
        var tables = Directory.GetFiles(directory, "*" + TiktokenFile.Extension);
        return File.Exists(huggingFace) ? huggingFace
            : tables.Length <= 1 ? tables.SingleOrDefault()
            : throw new IotaException(ExitCode.Data, $"The folder {directory} holds {tables.Length} *.tiktoken; name the one to use.");
    }

    private static BytePairTokenizer ReadByExtension(string path) => Path.GetExtension(path) switch
    {
        ".json" => HuggingFaceTokenizerFile.Read(path),
        TiktokenFile.Extension => TiktokenFile.Read(path),
        _ => throw new IotaException(ExitCode.Data, $"The tokenizer {path} is neither a tokenizer.json nor a *.tiktoken, which are the files that are supported."),
    };
}
