using System.CommandLine;
using IotaOrleans.Training.Data;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>Which text is read, and how it becomes tokens.</summary>
internal sealed class DataSettings : ISettings
{
    public Setting<string?> Data { get; } = new(
        SettingGroups.Data, "--data",
        "What to learn from: a text, JSON-lines or token file, a folder of them, or dotnet-docs (the documentation that the .NET SDK carries)",
        Values.Text("PATH"), DataSourceOptions.DotnetDocumentation);

    public Setting<string?> Field { get; } = new(
        SettingGroups.Data, "--field", "The field of a JSON line that holds the text", Values.Text("NAME"), null, "text");

    public Setting<string?> Tokenizer { get; } = new(
        SettingGroups.Data, "--tokenizer",
        "How text becomes tokens: bytes, characters, or the path of a tokenizer.json or of a folder that has one",
        Values.Text("bytes|characters|PATH"), null, "the starting model's, else bytes");

    public IEnumerable<Option> All => [Data, Field, Tokenizer];

    public DataSourceOptions Read(ParseResult parsed) => new()
    {
        Data = Data.Of(parsed)!,
        Field = Field.Of(parsed),
        Tokenizer = Tokenizer.Of(parsed),
    };
}
