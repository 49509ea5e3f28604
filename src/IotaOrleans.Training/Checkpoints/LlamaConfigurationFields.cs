using System.Collections.Immutable;
using System.Text.Json;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>Typed access to the fields of a <c>config.json</c>; absent and null are the same, as in transformers.</summary>
internal sealed class LlamaConfigurationFields
{
    private readonly string _path;
    private readonly JsonElement _root;

    public LlamaConfigurationFields(string path, JsonElement root)
    {
        _path = path;
        _root = root.ValueKind == JsonValueKind.Object ? root : throw ModelErrors.Create(path, "is not a JSON object");
    }

    public IotaException Fault(string field, string what) => ModelErrors.Create(_path, $"{field} {what}");

    public int Count(string field, int? whenAbsent = null)
    {
        if (Find(field) is not { } value)
        {
            return whenAbsent ?? throw Fault(field, "is missing");
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count > 0
            ? count
            : throw Fault(field, $"is {value.GetRawText()}, expected a whole number of at least 1");
    }

    public bool Has(string field) => Find(field) is not null;

    /// <summary>A list with at least one whole number.</summary>
    public ImmutableArray<int> Counts(string field)
    {
        if (Find(field) is not { } value)
        {
            throw Fault(field, "is missing");
        }

        var counts = ImmutableArray.CreateBuilder<int>();
        foreach (var element in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : default)
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out int count))
            {
                throw Fault(field, $"has {element.GetRawText()}, expected whole numbers");
            }

            counts.Add(count);
        }

        return counts.Count > 0 ? counts.ToImmutable() : throw Fault(field, $"is {value.GetRawText()}, expected a list of whole numbers");
    }

    public double Positive(string field, double whenAbsent) => Find(field) is { } value ? Positive(field, value) : whenAbsent;

    public bool Flag(string field) => Find(field) switch
    {
        null => false,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw Fault(field, $"is {other.GetRawText()}, expected true or false"),
    };

    /// <summary>The rotary base: <c>rope_theta</c>, or inside <c>rope_parameters</c> where newer transformers put it.</summary>
    public double RotaryBase(double whenAbsent)
    {
        if (Find("rope_parameters") is not { } parameters)
        {
            return Positive("rope_theta", whenAbsent);
        }

        if (parameters.ValueKind != JsonValueKind.Object
            || (parameters.TryGetProperty("rope_type", out JsonElement type) && type.ToString() != "default"))
        {
            throw Fault("rope_parameters", "is not supported unless its rope_type is default");
        }

        return parameters.TryGetProperty("rope_theta", out JsonElement theta) ? Positive("rope_parameters.rope_theta", theta) : whenAbsent;
    }

    public void RequireText(string field, string expected, string? whenAbsent = null)
    {
        string? actual = Find(field)?.ToString() ?? whenAbsent;
        if (actual != expected)
        {
            throw Fault(field, actual is null ? $"is missing, expected {expected}" : $"is {actual}, only {expected} is supported");
        }
    }

    public void RequireFalse(string field)
    {
        if (Flag(field))
        {
            throw Fault(field, "is true, only false is supported");
        }
    }

    public void RequireNull(string field)
    {
        if (Find(field) is not null)
        {
            throw Fault(field, "is not supported, only null is");
        }
    }

    private JsonElement? Find(string field) =>
        _root.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private double Positive(string field, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number > 0 && double.IsFinite(number)
            ? number
            : throw Fault(field, $"is {value.GetRawText()}, expected a number above 0");
}
