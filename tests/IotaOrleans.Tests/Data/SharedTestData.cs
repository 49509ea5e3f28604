namespace IotaOrleans.Tests.Data;

/// <summary>Finds corpora that tests use when they are there: in <c>IOTA_TEST_DATA</c>, or in a <c>shared/data</c> above.</summary>
internal static class SharedTestData
{
    public static string? Find(string name)
    {
        if (Environment.GetEnvironmentVariable("IOTA_TEST_DATA") is { Length: > 0 } folder)
        {
            return Existing(Path.Combine(folder, name));
        }

        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (Existing(Path.Combine(directory.FullName, "shared", "data", name)) is { } path)
            {
                return path;
            }
        }

        return null;
    }

    private static string? Existing(string path) => File.Exists(path) ? path : null;
}
