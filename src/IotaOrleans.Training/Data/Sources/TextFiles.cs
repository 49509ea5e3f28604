namespace IotaOrleans.Training.Data.Sources;

/// <summary>Text files: one, a folder's, or those that a glob matches.</summary>
internal static class TextFiles
{
    /// <summary>The source over some files, each read by its kind.</summary>
    public static TextSource From(string description, IReadOnlyList<string> files)
    {
        return new TextSource(description, files, () => files.Select(Utf8Text.Read));
    }
}
