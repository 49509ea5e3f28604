using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>Swaps two directories in one step, where the system can (<c>renameat2</c> with RENAME_EXCHANGE on Linux).</summary>
internal static class DirectoryExchange
{
    private const int CurrentDirectory = -100;
    private const uint Exchange = 2;

    public static bool TryExchange(string left, string right)
    {
        try
        {
            return OperatingSystem.IsLinux() && Rename(CurrentDirectory, left, CurrentDirectory, right, Exchange) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    private static extern int Rename(
        int leftDirectory,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string left,
        int rightDirectory,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string right,
        uint flags);
}
