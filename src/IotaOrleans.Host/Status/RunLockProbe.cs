using IotaOrleans.Host.Runs;

namespace IotaOrleans.Host.Status;

/// <summary>Finds out whether a process runs a run, without becoming that process.</summary>
internal static class RunLockProbe
{
    public static bool IsLocked(this RunFolder folder)
    {
        try
        {
            using var file = new FileStream(folder.LockFile, FileMode.Open, FileAccess.Read, FileShare.None);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
