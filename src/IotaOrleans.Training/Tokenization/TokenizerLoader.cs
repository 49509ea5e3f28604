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
            _ => null,
        };
    }
}
