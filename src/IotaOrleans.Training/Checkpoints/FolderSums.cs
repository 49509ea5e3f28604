using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>
/// The SHA-256 sums of all files of a folder, in a file in the folder that <c>sha256sum -c</c> reads as well. A folder without it is not
/// complete; a file that is not in it does not belong there.
/// </summary>
public static class FolderSums
{
    /// <summary>The file with the sums.</summary>
    public const string FileName = "SHA256SUMS";

    private const string Separator = "  ";

    /// <summary>Sums up what is in the folder, as its last file.</summary>
    public static void Write(string folder)
    {
        var lines = Names(folder).Select(name => $"{Sum(Path.Combine(folder, name))}{Separator}{name}\n");
        File.WriteAllBytes(Path.Combine(folder, FileName), Encoding.UTF8.GetBytes(string.Concat(lines)));
    }

    /// <summary>Reads every file of the folder.</summary>
    /// <returns>What is wrong with it, in one line that names the file; null when it is what was written.</returns>
    public static string? FindDamage(string folder)
    {
        try
        {
            if (!Directory.Exists(folder))
            {
                return $"{folder}: there is no such folder";
            }

            return Read(Path.Combine(folder, FileName)) is { } sums
                ? FindDamage(folder, sums)
                : $"{Path.Combine(folder, FileName)}: is missing, so the folder was never complete";
        }
        catch (FormatException broken)
        {
            return $"{Path.Combine(folder, FileName)}: {broken.Message}";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return $"{folder}: cannot be read: {unreadable.Message}";
        }
    }

    private static string? FindDamage(string folder, Dictionary<string, string> sums)
    {
        var names = Names(folder).ToHashSet(StringComparer.Ordinal);
        if (sums.Keys.FirstOrDefault(name => !names.Contains(name)) is { } missing)
        {
            return $"{Path.Combine(folder, missing)}: is missing";
        }

        if (names.FirstOrDefault(name => !sums.ContainsKey(name)) is { } unknown)
        {
            return $"{Path.Combine(folder, unknown)}: is not in {FileName}";
        }

        return sums.Where(sum => Sum(Path.Combine(folder, sum.Key)) != sum.Value).Select(sum => $"{Path.Combine(folder, sum.Key)}: is damaged, its SHA-256 is another than the one that was written").FirstOrDefault();
    }

    private static Dictionary<string, string>? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var text = File.ReadAllText(path);
        if (text.Length == 0 || text[^1] != '\n')
        {
            throw new FormatException("ends in the middle of a line");
        }

        var sums = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text[..^1].Split('\n'))
        {
            var middle = line.IndexOf(Separator, StringComparison.Ordinal);
            if (middle != 2 * SHA256.HashSizeInBytes || middle + Separator.Length == line.Length || !sums.TryAdd(line[(middle + Separator.Length)..], line[..middle]))
            {
                throw new FormatException("has a line that is no sum of a file");
            }
        }

        return sums;
    }

    private static IEnumerable<string> Names(string folder) => Directory.EnumerateFileSystemEntries(folder)
        .Select(path => Path.GetFileName(path))
        .Where(name => name != FileName)
        .Order(StringComparer.Ordinal);

    private static string Sum(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
