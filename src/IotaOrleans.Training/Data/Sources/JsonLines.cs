using System.Text.Json;
using System.Text.Unicode;

namespace IotaOrleans.Training.Data.Sources;

/// <summary>Reads one text per line of a <c>*.jsonl</c>.</summary>
internal static class JsonLines
{
    public const string DefaultField = "text";

    private const int FirstBufferLength = 64 * 1024;

    /// <summary>The field's text of every line that is not blank.</summary>
    public static IEnumerable<string> Read(string path, string field)
    {
        var number = 0L;
        foreach (var line in Lines(path))
        {
            number++;
            if (!IsBlank(line.Span))
            {
                yield return Text(path, number, line, field);
            }
        }
    }

    private static string Text(string path, long number, ReadOnlyMemory<byte> line, string field)
    {
        if (!Utf8.IsValid(line.Span))
        {
            throw new IotaException(ExitCode.Data, $"{path} line {number} is not UTF-8; save the file as UTF-8.");
        }

        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty(field, out var value)
                && value.ValueKind == JsonValueKind.String)
            {
                return value.GetString()!;
            }

            throw new IotaException(ExitCode.Data, $"{path} line {number} has no text in a field '{field}'{Others(document.RootElement)}; name the field that holds the text with --field.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // An escaped half of a surrogate pair is found only when the string is taken, as an invalid operation.
            var reason = exception.Message.Split(" LineNumber", 2)[0].TrimEnd('.');
            throw new IotaException(ExitCode.Data, $"{path} line {number} is not a JSON object: {reason}; mend or remove the line.", exception);
        }
    }

    private static string Others(JsonElement root)
    {
        var names = root.ValueKind == JsonValueKind.Object
            ? root.EnumerateObject().Where(property => property.Value.ValueKind == JsonValueKind.String).Select(property => $"'{property.Name}'").ToArray()
            : [];
        return names.Length == 0 ? "" : $" (it has {string.Join(", ", names)})";
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.Trim(" \t\r"u8).IsEmpty;

    /// <summary>The file's lines in a buffer that grows to the longest; each is valid until the next is asked for.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Lines(string path)
    {
        using var stream = SourceFile.Open(path);
        var buffer = new byte[FirstBufferLength];
        var start = 0;
        var end = 0;
        SkipByteOrderMark(stream);
        while (true)
        {
            var length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (length >= 0)
            {
                yield return buffer.AsMemory(start, length);
                start += length + 1;
                continue;
            }

            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            start = 0;
            if (end == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            var read = stream.Read(buffer, end, buffer.Length - end);
            if (read == 0)
            {
                yield return buffer.AsMemory(0, end);
                yield break;
            }

            end += read;
        }
    }

    private static void SkipByteOrderMark(FileStream stream)
    {
        Span<byte> first = stackalloc byte[3];
        var read = stream.ReadAtLeast(first, first.Length, throwOnEndOfStream: false);
        if (!first[..read].SequenceEqual("\uFEFF"u8))
        {
            stream.Position = 0;
        }
    }
}
