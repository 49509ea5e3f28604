namespace IotaOrleans.Tests.Checkpoints;

/// <summary>Small models with results that an independent implementation computed.</summary>
internal static class GoldenModels
{
    public static string Folder(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);

    /// <summary>A copy that a test may damage.</summary>
    public static string CopyTo(TemporaryFolder folder, string name)
    {
        foreach (string file in Directory.EnumerateFiles(Folder(name)))
        {
            File.Copy(file, folder.File(Path.GetFileName(file)));
        }

        return folder.Path;
    }
}
