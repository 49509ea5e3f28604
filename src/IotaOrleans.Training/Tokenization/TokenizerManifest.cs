using System.Text.Encodings.Web;
using System.Text.Json;

namespace IotaOrleans.Training.Tokenization;

/// <summary>The small file beside a saved tokenizer that says what kind it is.</summary>
/// <param name="Kind">One of <see cref="TokenizerKinds"/>.</param>
/// <param name="Symbols">The symbols of a characters tokenizer, in the order of their ids.</param>
/// <param name="File">The name of the file beside it that holds the rest.</param>
internal sealed record TokenizerManifest(string Kind, string? Symbols = null, string? File = null)
{
    public const string FileName = "iota-tokenizer.json";

    private static readonly JsonSerializerOptions JsonOptions = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    public static void Write(string directory, TokenizerManifest manifest)
    {
        Directory.CreateDirectory(directory);
        System.IO.File.WriteAllText(Path.Combine(directory, FileName), JsonSerializer.Serialize(manifest, JsonOptions) + "\n");
    }

    /// <summary>The manifest of a directory, or null when it has none.</summary>
    public static TokenizerManifest? TryRead(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!System.IO.File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<TokenizerManifest>(System.IO.File.ReadAllBytes(path), JsonOptions);
        }
        catch (JsonException exception)
        {
            throw new IotaException(ExitCode.Data, $"{path} is not a tokenizer's description: {exception.Message} Delete the folder and prepare the data again.", exception);
        }
    }
}
