namespace IotaOrleans.Tests.Data;

/// <summary>A folder that disappears with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("iota-data-").FullName;

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    public string Write(string relative, string text) => Write(relative, System.Text.Encoding.UTF8.GetBytes(text));

    public string Write(string relative, byte[] bytes)
    {
        var path = this[relative];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string WriteTokens(string relative, params ushort[] tokens)
    {
        return Write(relative, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ushort>(tokens).ToArray());
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
