using Microsoft.Extensions.FileSystemGlobbing;

namespace IotaOrleans.Training.Data.Sources;

/// <summary>Text files: one, a folder's, or those that a glob matches.</summary>
internal static class TextFiles
{
    private static readonly string[] FolderPatterns = ["**/*.txt", "**/*.md"];

    public static TextSource FromFile(string path, string? field)
    {
        path = Path.GetFullPath(path);
        return From(path, [path], field);
    }

    /// <summary>Every <c>*.txt</c> and <c>*.md</c> below a folder.</summary>
    public static TextSource FromFolder(string folder, string? field)
    {
        folder = Path.GetFullPath(folder);
        var files = Match(folder, FolderPatterns);
        return files.Count > 0
            ? From($"{folder} ({files.Count} files)", files, field)
            : throw new IotaException(ExitCode.Data, $"The folder {folder} holds no *.txt or *.md; name other files by a glob such as '{Path.Combine(folder, "**", "*.rst")}'.");
    }

    public static bool IsGlob(string data) => data.Contains('*');

    /// <summary>Every file that a pattern of <c>*</c> and <c>**</c> matches.</summary>
    public static TextSource FromGlob(string glob, string? field)
    {
        var (folder, pattern) = SplitGlob(glob);
        var files = Directory.Exists(folder) ? Match(folder, pattern) : [];
        return files.Count > 0
            ? From($"{glob} ({files.Count} files)", files, field)
            : throw new IotaException(ExitCode.Data, $"The pattern '{glob}' matches no file in {folder}; quote it so that the shell passes it on, '**' stands for any folders, and case matters.");
    }

    private static (string Folder, string Pattern) SplitGlob(string glob)
    {
        var segments = glob.Replace('\\', '/').Split('/');
        var plain = segments.TakeWhile(segment => !segment.Contains('*')).ToArray();
        var folder = string.Join('/', plain);
        return (Path.GetFullPath(plain is [""] ? "/" : folder.Length == 0 ? "." : folder), string.Join('/', segments[plain.Length..]));
    }

    /// <summary>Matching files in ordinal order of their paths, which is the same on every machine.</summary>
    private static List<string> Match(string folder, params string[] patterns)
    {
        var matcher = new Matcher(StringComparison.Ordinal);
        matcher.AddIncludePatterns(patterns);
        return [.. matcher.GetResultsInFullPath(folder).Select(Path.GetFullPath).Order(StringComparer.Ordinal)];
    }

    private static TextSource From(string description, IReadOnlyList<string> files, string? field)
    {
        return new TextSource(description, files, () => files.SelectMany(path => Documents(path, field)));
    }

    private static IEnumerable<IEnumerable<string>> Documents(string path, string? field)
    {
        return Path.GetExtension(path) == ".jsonl"
            ? JsonLines.Read(path, field ?? JsonLines.DefaultField).Select(document => (IEnumerable<string>)[document])
            : [Utf8Text.Read(path)];
    }
}
