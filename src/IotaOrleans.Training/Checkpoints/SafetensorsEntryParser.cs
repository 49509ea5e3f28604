using System.Text.Json;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>Reads and checks one tensor's description in a safetensors header.</summary>
internal static class SafetensorsEntryParser
{
    /// <summary>Reads <c>"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}</c>.</summary>
    public static SafetensorsEntry Parse(string path, JsonProperty property, long dataStart, long dataLength)
    {
        string name = property.Name;
        string? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        if (property.Value.ValueKind != JsonValueKind.Object)
        {
            throw Fault(path, name, "is not described by a JSON object");
        }

        foreach (JsonProperty field in property.Value.EnumerateObject())
        {
            switch (field.Name)
            {
                case "dtype" when dtype is null && field.Value.ValueKind == JsonValueKind.String:
                    dtype = field.Value.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ParseNumbers(path, name, field);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ParseNumbers(path, name, field);
                    break;
                default:
                    throw Fault(path, name, $"has a field {field.Name} that is unknown, repeated or of the wrong type");
            }
        }

        if (dtype is null || shape is null || offsets is not { Length: 2 })
        {
            throw Fault(path, name, "lacks dtype, shape or a pair of data_offsets");
        }

        return Check(path, name, dtype, shape, (offsets[0], offsets[1]), dataStart, dataLength);
    }

    private static SafetensorsEntry Check(string path, string name, string dtype, long[] shape, (long Start, long End) offsets, long dataStart, long dataLength)
    {
        if (!SafetensorsDTypeExtensions.TryParse(dtype, out SafetensorsDType type))
        {
            throw Fault(path, name, $"has the unknown dtype {dtype}");
        }

        if (offsets.End < offsets.Start || offsets.End > dataLength)
        {
            throw Fault(path, name, $"lies at bytes [{offsets.Start}, {offsets.End}] of {dataLength}; the file is damaged or was not copied completely");
        }

        long length;
        try
        {
            length = SafetensorsHeader.ByteLength(type, shape);
        }
        catch (OverflowException overflow)
        {
            throw ModelErrors.Create(path, $"tensor {name} has the impossible shape {ModelErrors.Format(shape)}", overflow);
        }

        if (length != offsets.End - offsets.Start)
        {
            throw Fault(path, name, $"of shape {ModelErrors.Format(shape)} and dtype {dtype} takes {length} bytes, its offsets hold {offsets.End - offsets.Start}");
        }

        return new SafetensorsEntry(name, type, shape, dataStart + offsets.Start, length);
    }

    private static long[] ParseNumbers(string path, string name, JsonProperty field)
    {
        if (field.Value.ValueKind != JsonValueKind.Array)
        {
            throw Fault(path, name, $"has a {field.Name} that is not a list");
        }

        return [.. field.Value.EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out long number) && number >= 0
                ? number
                : throw Fault(path, name, $"has {item.GetRawText()} in its {field.Name}, expected a whole number of at least 0"))];
    }

    private static IotaException Fault(string path, string name, string what) => ModelErrors.Create(path, $"tensor {name} {what}");
}
