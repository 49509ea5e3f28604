namespace IotaOrleans.Training.Checkpoints;

/// <summary>Turns failures of the file system into what their reader can do about them.</summary>
internal static class DiskErrors
{
    // Windows reports a Win32 code inside an HRESULT, Unix the bare errno.
    private static readonly int[] WindowsFull = [unchecked((int)0x80070070), unchecked((int)0x80070027)];
    private static readonly int[] UnixFull = [/* ENOSPC */ 28, /* EDQUOT on Linux */ 122, /* EDQUOT on macOS */ 69];

    /// <summary>The failure to throw instead of <paramref name="failure"/>, or null when it is not about the disk.</summary>
    public static IotaException? Explain(Exception failure, string path) => failure switch
    {
        IOException full when (OperatingSystem.IsWindows() ? WindowsFull : UnixFull).Contains(full.HResult) =>
            new IotaException(ExitCode.Environment, $"{path} could not be written: no space left on {Volume(path)}; free some and try again", failure),
        // How .NET says EFBIG: the file system, or a limit of the process, allows no file of that size.
        ArgumentOutOfRangeException { ParamName: "value" } =>
            new IotaException(ExitCode.Environment, $"{path} could not be written: a file of it is larger than is allowed on {Volume(path)}", failure),
        UnauthorizedAccessException or IOException =>
            new IotaException(ExitCode.Environment, $"{path} could not be written: {failure.Message}", failure),
        _ => null,
    };

    private static string Volume(string path)
    {
        string full = Path.GetFullPath(path);
        try
        {
            return DriveInfo.GetDrives()
                .Select(drive => drive.RootDirectory.FullName)
                .Where(root => full.StartsWith(Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                .MaxBy(root => root.Length) ?? Path.GetPathRoot(full)!;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return Path.GetPathRoot(full)!;
        }
    }
}
