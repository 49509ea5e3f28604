using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>
/// The header of a safetensors file: eight bytes of length, then that many bytes of JSON, then the tensors' bytes
/// without gaps (https://huggingface.co/docs/safetensors, "Format").
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>Bytes of the length field.</summary>
    public const int PrefixLength = sizeof(ulong);

    /// <summary>Longest JSON that readers accept, in bytes.</summary>
    public const long LongestJson = 100_000_000;

    private const string MetadataName = "__metadata__";

    /// <summary>Writes the length field and the JSON, padded with spaces so that tensors begin at a multiple of 8.</summary>
    /// <exception cref="ArgumentException">A name is taken, reserved, or a shape is impossible.</exception>
    public static byte[] Format(IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>(256 + (tensors.Count * 128));
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataName);
            foreach ((string key, string value) in metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            WriteTensors(json, tensors);
            json.WriteEndObject();
        }

        int length = (buffer.WrittenCount + 7) / 8 * 8;
        var header = new byte[PrefixLength + length];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        buffer.WrittenSpan.CopyTo(header.AsSpan(PrefixLength));
        header.AsSpan(PrefixLength + buffer.WrittenCount).Fill((byte)' ');
        return header;
    }

    /// <summary>Reads and checks the JSON.</summary>
    /// <param name="path">Named in failures.</param>
    /// <param name="json">The header's JSON.</param>
    /// <param name="dataLength">Bytes of the file after the header.</param>
    /// <returns>The entries in the order of their bytes, and the metadata.</returns>
    public static (IReadOnlyList<SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata) Parse(string path, ReadOnlyMemory<byte> json, long dataLength)
    {
        if (json.IsEmpty || json.Span[0] != '{')
        {
            throw ModelErrors.Create(path, "the header is not a JSON object; this is no safetensors file");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Parse(path, document.RootElement, PrefixLength + json.Length, dataLength);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            // Reading a string that is not valid UTF-8 or UTF-16 is an InvalidOperationException.
            throw ModelErrors.Create(path, $"the header is not valid JSON: {broken.Message}", broken);
        }
    }

    /// <summary>Bytes that a tensor takes.</summary>
    /// <exception cref="OverflowException">The product is beyond 63 bits.</exception>
    public static long ByteLength(SafetensorsDType type, IReadOnlyList<long> shape) =>
        shape.Aggregate((long)type.Size(), (product, dimension) => checked(product * dimension));

    private static void WriteTensors(Utf8JsonWriter json, IReadOnlyList<SafetensorsTensor> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { MetadataName };
        long offset = 0;
        foreach (SafetensorsTensor tensor in tensors)
        {
            if (!names.Add(tensor.Name))
            {
                throw new ArgumentException($"The tensor name {tensor.Name} is taken or reserved.", nameof(tensors));
            }

            if (tensor.Shape.Any(dimension => dimension < 0))
            {
                throw new ArgumentException($"The shape of {tensor.Name} is negative: {ModelErrors.Format(tensor.Shape)}.", nameof(tensors));
            }

            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.DType.ToText());
            WriteNumbers(json, "shape", tensor.Shape);
            long end = checked(offset + ByteLength(tensor.DType, tensor.Shape));
            WriteNumbers(json, "data_offsets", [offset, end]);
            json.WriteEndObject();
            offset = end;
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private static (IReadOnlyList<SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata) Parse(string path, JsonElement root, long dataStart, long dataLength)
    {
        var entries = new List<SafetensorsEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        IReadOnlyDictionary<string, string> metadata = new Dictionary<string, string>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!names.Add(property.Name))
            {
                throw ModelErrors.Create(path, $"the header names {property.Name} twice");
            }

            if (property.Name == MetadataName)
            {
                metadata = ParseMetadata(path, property.Value);
            }
            else
            {
                entries.Add(SafetensorsEntryParser.Parse(path, property, dataStart, dataLength));
            }
        }

        entries.Sort((left, right) => (left.Offset, left.Length).CompareTo((right.Offset, right.Length)));
        RequireGapless(path, entries, dataStart, dataLength);
        return (entries, metadata);
    }

    private static Dictionary<string, string> ParseMetadata(string path, JsonElement element)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw ModelErrors.Create(path, $"{MetadataName} is not a JSON object");
        }

        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String || !metadata.TryAdd(property.Name, property.Value.GetString()!))
            {
                throw ModelErrors.Create(path, $"{MetadataName} entry {property.Name} is not a string, or stands twice");
            }
        }

        return metadata;
    }

    private static void RequireGapless(string path, List<SafetensorsEntry> entries, long dataStart, long dataLength)
    {
        long expected = 0;
        foreach (SafetensorsEntry entry in entries)
        {
            long start = entry.Offset - dataStart;
            if (start != expected)
            {
                string fault = start < expected ? "overlaps the tensor before it" : "leaves a gap before it";
                throw ModelErrors.Create(path, $"tensor {entry.Name} {fault}: it starts at {start}, expected {expected}");
            }

            expected = start + entry.Length;
        }

        if (expected != dataLength)
        {
            throw ModelErrors.Create(path, $"the file holds {dataLength} bytes of tensors, its header describes {expected}");
        }
    }
}
