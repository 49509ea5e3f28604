using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Data.Sources;

/// <summary>
/// The English prose of the API documentation that every .NET SDK carries: a corpus that is already on the machine.
/// Only the two reference packs that all SDKs share are read, so that machines with the same SDK get the same text.
/// </summary>
internal static class DotnetDocumentation
{
    private static readonly string[] Packs = ["Microsoft.NETCore.App.Ref", "Microsoft.AspNetCore.App.Ref"];

    /// <summary>The source over the first root that has documentation.</summary>
    /// <param name="roots">Folders in which .NET may be installed.</param>
    public static TextSource Find(IEnumerable<string> roots)
    {
        var looked = new List<string>();
        foreach (var root in roots)
        {
            var packs = Path.Combine(root, "packs");
            looked.Add(packs);
            var files = Packs.SelectMany(pack => FilesOf(Path.Combine(packs, pack))).ToList();
            if (files.Count > 0)
            {
                return new TextSource($"{DataSourceOptions.DotnetDocumentation} ({files.Count} files in {packs})", files, () => Paragraphs(files).Select(paragraph => (IEnumerable<string>)[paragraph]));
            }
        }

        throw new IotaException(
            ExitCode.Data,
            $"{DataSourceOptions.DotnetDocumentation} needs the .NET SDK, whose documentation was not found in {string.Join(", ", looked)}; install the SDK, set DOTNET_ROOT to it, or give a text file with --data.");
    }

    /// <summary>The documentation files of a pack's newest version; those of other languages lie a folder deeper.</summary>
    private static IEnumerable<string> FilesOf(string pack)
    {
        if (!Directory.Exists(pack))
        {
            return [];
        }

        return Directory.EnumerateDirectories(pack)
            .Where(version => Directory.Exists(Path.Combine(version, "ref")))
            .OrderByDescending(version => PackVersion.Parse(Path.GetFileName(version)))
            .Take(1)
            .SelectMany(version => Directory.EnumerateDirectories(Path.Combine(version, "ref")))
            .SelectMany(framework => Directory.EnumerateFiles(framework, "*.xml"))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>Each paragraph once, where it first occurs; the hashes of all are what stays in memory.</summary>
    private static IEnumerable<string> Paragraphs(IEnumerable<string> files)
    {
        var seen = new HashSet<UInt128>();
        return files.SelectMany(DocumentationXml.Read).Where(paragraph => seen.Add(XxHash128.HashToUInt128(MemoryMarshal.AsBytes(paragraph.AsSpan()))));
    }
}
