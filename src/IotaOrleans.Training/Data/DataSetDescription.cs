using System.Text.Encodings.Web;
using System.Text.Json;

namespace IotaOrleans.Training.Data;

/// <summary>What <c>data.json</c> says about a prepared folder.</summary>
public sealed record DataSetDescription
{
    /// <summary>The file's name.</summary>
    public const string FileName = "data.json";

    /// <summary>The layout of prepared folders; folders of another version are prepared again.</summary>
    public const int CurrentVersion = 1;

    private static readonly JsonSerializerOptions JsonOptions = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The layout's version.</summary>
    public required int Version { get; init; }

    /// <summary>What the data is, for people.</summary>
    public required string Source { get; init; }

    /// <summary>What the data was prepared from.</summary>
    public required DataSourceOptions Options { get; init; }

    /// <summary>SHA-256 over the paths, sizes and times of all source files; another value means they changed.</summary>
    public required string SourceFingerprint { get; init; }

    /// <summary>The tokenizer's kind, or null when the tokens came without one.</summary>
    public required string? Tokenizer { get; init; }

    /// <summary>Every id is below this.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>2 or 4, for both files.</summary>
    public required int BytesPerToken { get; init; }

    /// <summary>Tokens in <c>train.bin</c>.</summary>
    public required long TrainTokens { get; init; }

    /// <summary>Tokens in <c>val.bin</c>.</summary>
    public required long ValidationTokens { get; init; }

    /// <summary>SHA-256 of <c>train.bin</c> followed by <c>val.bin</c>, in lower-case hexadecimal: <c>cat train.bin val.bin | sha256sum</c>.</summary>
    public required string ContentHash { get; init; }

    /// <summary>Reads a folder's description.</summary>
    /// <exception cref="IotaException">There is none, or it is damaged or of another version.</exception>
    public static DataSetDescription Read(string directory)
    {
        return TryRead(directory) ?? throw new IotaException(
            ExitCode.Data,
            $"The folder {directory} holds no prepared data of this version ({FileName} is missing or damaged); prepare the data again.");
    }

    internal static DataSetDescription? TryRead(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var description = JsonSerializer.Deserialize<DataSetDescription>(File.ReadAllBytes(path), JsonOptions);
            return description?.Version == CurrentVersion ? description : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    internal void Write(string directory)
    {
        var path = Path.Combine(directory, FileName);
        var partial = path + DataPreparation.PartialSuffix;
        File.WriteAllText(partial, JsonSerializer.Serialize(this, JsonOptions) + "\n");
        File.Move(partial, path, overwrite: true);
    }
}
