using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Data;

/// <summary>
/// Fills a folder with <c>train.bin</c>, <c>val.bin</c>, the tokenizer and <c>data.json</c>. Files get their names when they
/// are whole, <c>data.json</c> last: a folder that has it is complete, whatever was interrupted.
/// </summary>
internal sealed class DataPreparation(DataSourceOptions options, string directory, int minimumTokens, IProgress<string>? progress, CancellationToken cancellationToken)
{
    public const string PartialSuffix = ".partial";

    private const long TokensPerReport = 1 << 23;

    private readonly string _train = Path.Combine(directory, TokenDataSet.TrainFileName);
    private readonly string _validation = Path.Combine(directory, TokenDataSet.ValidationFileName);

    /// <summary>Prepares the folder, or finds that it already is.</summary>
    public void Run()
    {
        CheckOptions();
        var source = DataSource.Find(options);
        CheckNothingIsOverwritten(source);
        var fingerprint = Fingerprint(source);
        if (IsReady(source, fingerprint))
        {
            return;
        }

        try
        {
            using var preparationLock = PreparationLock.Acquire(directory, progress, cancellationToken);
            if (!IsReady(source, fingerprint))
            {
                WriteOrDelete(source, fingerprint);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IotaException(
                ExitCode.Environment,
                $"The prepared data cannot be written to {directory}: {exception.Message} Free disk space, or choose a folder that you may write to.",
                exception);
        }
    }

    private void CheckOptions()
    {
        if (string.IsNullOrWhiteSpace(options.Data))
        {
            throw new IotaException(ExitCode.Usage, $"--data is empty; give it a file, a folder or the name {DataSourceOptions.DotnetDocumentation}.");
        }

        if (options.ValidationFraction is not (>= 0 and < 1))
        {
            var given = options.ValidationFraction.ToString(CultureInfo.InvariantCulture);
            throw new IotaException(ExitCode.Usage, $"The validation fraction is {given}; it must be at least 0 and less than 1, for example 0.1.");
        }

        if (options.MaximumVocabularySize is < 1)
        {
            throw new IotaException(ExitCode.Usage, $"The maximum vocabulary size is {options.MaximumVocabularySize}; it must be at least 1, for example 256.");
        }
    }

    private void CheckNothingIsOverwritten(DataSource source)
    {
        if (source.Files.Contains(Path.GetFullPath(_train)) || source.Files.Contains(Path.GetFullPath(_validation)))
        {
            throw new IotaException(ExitCode.Usage, $"The data cannot be prepared in {directory}, because it is read from there and would be overwritten; choose another folder.");
        }
    }

    private string Fingerprint(DataSource source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in source.Files.Concat(TokenizerLoader.FilesOf(options.Tokenizer).Select(Path.GetFullPath)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var file = new FileInfo(path);
            var line = string.Create(CultureInfo.InvariantCulture, $"{path}|{(file.Exists ? file.Length : -1)}|{file.LastWriteTimeUtc.Ticks}\n");
            hash.AppendData(Encoding.UTF8.GetBytes(line));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private bool IsReady(DataSource source, string fingerprint)
    {
        var description = DataSetDescription.TryRead(directory);
        if (description is null
            || description.Options != options
            || description.SourceFingerprint != fingerprint
            || !HasLength(_train, description.TrainTokens * description.BytesPerToken)
            || !HasLength(_validation, description.ValidationTokens * description.BytesPerToken))
        {
            return false;
        }

        CheckCounts(source, description.TrainTokens, description.ValidationTokens);
        progress?.Report($"the data of {source.Description} is already prepared in {directory}");
        return true;
    }

    private static bool HasLength(string path, long length) => new FileInfo(path) is { Exists: true } file && file.Length == length;

    private void WriteOrDelete(DataSource source, string fingerprint)
    {
        try
        {
            Write(source, fingerprint);
        }
        finally
        {
            // Whole files have their names by now; what still has this one was interrupted.
            File.Delete(_train + PartialSuffix);
            File.Delete(_validation + PartialSuffix);
        }
    }

    private void Write(DataSource source, string fingerprint)
    {
        progress?.Report($"reading {source.Description}");
        var stream = source.Load();
        cancellationToken.ThrowIfCancellationRequested();
        var (trainTokens, validationTokens) = WriteTokens(stream);
        CheckCounts(source, trainTokens, validationTokens);

        var description = new DataSetDescription
        {
            Version = DataSetDescription.CurrentVersion,
            Source = source.Description,
            Options = options,
            SourceFingerprint = fingerprint,
            Tokenizer = stream.Tokenizer?.Kind,
            VocabularySize = stream.VocabularySize,
            BytesPerToken = TokenFileWriter.BytesFor(stream.VocabularySize),
            TrainTokens = trainTokens,
            ValidationTokens = validationTokens,
            ContentHash = HashContent(),
        };

        File.Delete(Path.Combine(directory, DataSetDescription.FileName));
        File.Move(_train + PartialSuffix, _train, overwrite: true);
        File.Move(_validation + PartialSuffix, _validation, overwrite: true);
        stream.Tokenizer?.Save(directory);
        description.Write(directory);
        progress?.Report(string.Create(CultureInfo.InvariantCulture, $"prepared {trainTokens:N0} tokens to train on and {validationTokens:N0} to validate with, vocabulary {stream.VocabularySize:N0}"));
    }

    private (long Train, long Validation) WriteTokens(TokenStream stream)
    {
        using var train = new TokenFileWriter(_train + PartialSuffix, stream.VocabularySize);
        Write(train, stream.Train);
        if (stream.Validation is not null)
        {
            using var validation = new TokenFileWriter(_validation + PartialSuffix, stream.VocabularySize);
            Write(validation, stream.Validation);
            return (train.Count, validation.Count);
        }

        var all = train.Count;
        var trainCount = (long)(all * (1 - options.ValidationFraction));
        train.MoveTail(trainCount, _validation + PartialSuffix);
        return (trainCount, all - trainCount);
    }

    private void Write(TokenFileWriter writer, IEnumerable<int[]> blocks)
    {
        var nextReport = TokensPerReport;
        foreach (var block in blocks)
        {
            cancellationToken.ThrowIfCancellationRequested();
            writer.Write(block);
            if (writer.Count >= nextReport)
            {
                progress?.Report(string.Create(CultureInfo.InvariantCulture, $"{writer.Count:N0} tokens"));
                nextReport += TokensPerReport;
            }
        }
    }

    private void CheckCounts(DataSource source, long train, long validation)
    {
        if (train + validation == 0)
        {
            throw new IotaException(ExitCode.Data, $"{source.Description} is empty: it has nothing to learn from; give another with --data.");
        }

        var wantsValidation = options.ValidationFraction > 0;
        if (train >= minimumTokens && (!wantsValidation || validation >= minimumTokens))
        {
            return;
        }

        var smallestShare = wantsValidation ? Math.Min(options.ValidationFraction, 1 - options.ValidationFraction) : 1;
        var enough = source.KeepsValidationApart ? "more" : $"at least {Math.Ceiling(minimumTokens / smallestShare)}";
        throw new IotaException(
            ExitCode.Data,
            $"{source.Description} is too short: it has {train} tokens to train on and {validation} to validate with, and each needs {minimumTokens}, one more than the context; give {enough} tokens, or a shorter context.");
    }

    private string HashContent()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        foreach (var path in new[] { _train, _validation })
        {
            using var file = File.OpenRead(path + PartialSuffix);
            while (file.Read(buffer) is > 0 and var read)
            {
                hash.AppendData(buffer, 0, read);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
