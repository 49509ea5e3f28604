using System.Text.Json;
using System.Text.RegularExpressions;

namespace IotaOrleans.Training.Tokenization;

/// <summary>Reads the <c>pre_tokenizer</c> of a Hugging Face file: how text is cut into words before its bytes are merged.</summary>
/// <param name="refusal">Makes the exception for something that is not supported.</param>
internal sealed class PreTokenizerReader(Func<string, IotaException> refusal)
{
    public IReadOnlyList<WordPattern> Read(JsonElement? preTokenizer)
    {
        var parts = preTokenizer is not { } given ? [] : TypeOf(given) == "Sequence" ? given.GetProperty("pretokenizers").EnumerateArray().ToArray() : [given];
        if (!parts.Any(part => TypeOf(part) == "ByteLevel"))
        {
            throw refusal("a BPE that is not byte-level");
        }

        return [.. parts.SelectMany(ReadPart)];
    }

    private IEnumerable<WordPattern> ReadPart(JsonElement part) => TypeOf(part) switch
    {
        "ByteLevel" when Flag(part, "add_prefix_space", absent: true) => throw refusal("a ByteLevel pre-tokenizer with add_prefix_space"),
        "ByteLevel" => Flag(part, "use_regex", absent: true) ? [WordPattern.From(WordPattern.Gpt2)] : [],
        "Digits" => [WordPattern.From(Flag(part, "individual_digits", absent: false) ? @"\p{N}" : @"\p{N}+")],
        "Split" => [ReadSplit(part)],
        var other => throw refusal($"a pre-tokenizer of type {other}"),
    };

    private WordPattern ReadSplit(JsonElement split)
    {
        var behavior = split.GetProperty("behavior").GetString();
        var isInverted = Flag(split, "invert", absent: false);
        var dropsTheRest = (behavior, isInverted) switch
        {
            ("Isolated", _) => false,
            ("Removed", true) => true,
            _ => throw refusal($"a Split pre-tokenizer of behavior {behavior}"),
        };

        var pattern = split.GetProperty("pattern");
        var expression = pattern.TryGetProperty("Regex", out var regex) ? regex.GetString()! : Regex.Escape(pattern.GetProperty("String").GetString()!);
        try
        {
            return WordPattern.From(expression, dropsTheRest);
        }
        catch (ArgumentException exception)
        {
            throw refusal($"a Split pattern that .NET cannot read ({exception.Message.ReplaceLineEndings(" ")})");
        }
    }

    private static string? TypeOf(JsonElement part) => part.GetProperty("type").GetString();

    private static bool Flag(JsonElement element, string name, bool absent)
    {
        return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetBoolean() : absent;
    }
}
