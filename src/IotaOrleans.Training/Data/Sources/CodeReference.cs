namespace IotaOrleans.Training.Data.Sources;

/// <summary>Names in documentation, such as <c>M:System.Collections.Generic.List`1.Add(`0)</c>.</summary>
internal static class CodeReference
{
    /// <summary>The last part, as one would say it: <c>Add</c>; a constructor is its type.</summary>
    public static string? ShortName(string? reference)
    {
        if (string.IsNullOrWhiteSpace(reference))
        {
            return null;
        }

        var name = reference.AsSpan();
        name = name[..EndAt(name, "({~?")];
        var parts = name[(name.IndexOf(':') + 1)..].ToString().Split('.', StringSplitOptions.RemoveEmptyEntries);
        var last = parts.Length > 1 && parts[^1].StartsWith('#') ? parts[^2] : parts.Length > 0 ? parts[^1] : "";
        var plain = last.AsSpan()[..EndAt(last, "`")].TrimEnd('*').ToString();
        return plain.Length == 0 ? null : plain.Replace("%2A", "", StringComparison.Ordinal);
    }

    private static int EndAt(ReadOnlySpan<char> text, string stops) => text.IndexOfAny(stops) is >= 0 and var index ? index : text.Length;
}
