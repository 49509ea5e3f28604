namespace IotaOrleans.Training.Data.Sources;

/// <summary>A version in the name of a folder, such as <c>10.0.0-rc.1</c>; a release follows its previews.</summary>
internal readonly record struct PackVersion(Version Release, bool IsRelease, string Preview) : IComparable<PackVersion>
{
    public static PackVersion Parse(string text)
    {
        var parts = text.Split('-', 2);
        var release = Version.TryParse(parts[0], out var version) ? version : new Version(0, 0);
        return new PackVersion(release, parts.Length == 1, parts.Length == 1 ? "" : parts[1]);
    }

    public int CompareTo(PackVersion other)
    {
        var byRelease = Release.CompareTo(other.Release);
        var byKind = IsRelease.CompareTo(other.IsRelease);
        return byRelease != 0 ? byRelease : byKind != 0 ? byKind : string.CompareOrdinal(Preview, other.Preview);
    }
}
