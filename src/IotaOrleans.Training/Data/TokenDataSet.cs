using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Data;

/// <summary>A prepared folder: <c>train.bin</c>, <c>val.bin</c>, <c>data.json</c> and the tokenizer.</summary>
public sealed class TokenDataSet : IDisposable
{
    /// <summary>The file of the tokens to learn from.</summary>
    public const string TrainFileName = "train.bin";

    /// <summary>The file of the tokens to validate with.</summary>
    public const string ValidationFileName = "val.bin";

    private TokenDataSet(DataSetDescription description, ITokenizer? tokenizer, TokenFile train, TokenFile validation)
    {
        Description = description;
        Tokenizer = tokenizer;
        Train = train;
        Validation = validation;
    }

    /// <summary>What <c>data.json</c> says.</summary>
    public DataSetDescription Description { get; }

    /// <summary>Every id is below this.</summary>
    public int VocabularySize => Description.VocabularySize;

    /// <summary>What made the tokens, or null when they came ready-made without one.</summary>
    public ITokenizer? Tokenizer { get; }

    /// <summary>The tokens to learn from.</summary>
    public TokenFile Train { get; }

    /// <summary>The tokens to validate with; none when the validation fraction is zero.</summary>
    public TokenFile Validation { get; }

    /// <summary>SHA-256 of both files' bytes in lower-case hexadecimal; equal on two machines when they hold the same tokens.</summary>
    public string ContentHash => Description.ContentHash;

    /// <summary>The tokens of a split.</summary>
    public TokenFile this[DataSplit split] => split == DataSplit.Train ? Train : Validation;

    /// <summary>Prepares a folder, unless it already is from the same options and unchanged files, and opens it.</summary>
    /// <param name="options">The source.</param>
    /// <param name="directory">The folder; made when missing.</param>
    /// <param name="minimumTokens">The fewest tokens each split must have: the context length plus one.</param>
    /// <param name="progress">Told in one line each what is going on.</param>
    /// <param name="cancellationToken">Stops between blocks and leaves nothing half-written behind.</param>
    /// <exception cref="IotaException">The source cannot be used, or the folder cannot be written.</exception>
    public static TokenDataSet Prepare(DataSourceOptions options, string directory, int minimumTokens, IProgress<string>? progress = null, CancellationToken cancellationToken = default)
    {
        new DataPreparation(options, directory, minimumTokens, progress, cancellationToken).Run();
        return Open(directory);
    }

    /// <summary>Finds the source without reading it.</summary>
    /// <returns>What it is, for people.</returns>
    /// <exception cref="IotaException">There is no such source.</exception>
    public static string Locate(DataSourceOptions options) => DataSource.Find(options).Description;

    /// <summary>Opens a prepared folder.</summary>
    /// <exception cref="IotaException">The folder is not prepared, or one of its files was changed or cut.</exception>
    public static TokenDataSet Open(string directory)
    {
        var description = DataSetDescription.Read(directory);
        var tokenizer = description.Tokenizer is null ? null : TokenizerLoader.Load(directory);
        var train = OpenFile(directory, TrainFileName, description.BytesPerToken, description.TrainTokens);
        try
        {
            var validation = OpenFile(directory, ValidationFileName, description.BytesPerToken, description.ValidationTokens);
            return new TokenDataSet(description, tokenizer, train, validation);
        }
        catch
        {
            train.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
    }

    private static TokenFile OpenFile(string directory, string name, int bytesPerToken, long count)
    {
        var file = TokenFile.Open(Path.Combine(directory, name), bytesPerToken);
        if (file.Count == count)
        {
            return file;
        }

        file.Dispose();
        throw new IotaException(ExitCode.Data, $"{file.Path} has {file.Count} tokens and {DataSetDescription.FileName} says {count}; delete the folder and prepare the data again.");
    }
}
