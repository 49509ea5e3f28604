using System.Diagnostics;
using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Lanes;

/// <summary>
/// The heap of the C library, which libtorch takes tensors from. By itself glibc gives the memory of large tensors back to the system as soon
/// as they are freed, and the next pass takes and clears the same pages again (measured: 2 to 4 % of a lane).
/// </summary>
public static class NativeHeap
{
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MapThreshold = -3;

    // The largest tensors that every glibc lets come from a heap, what of a heap's end may stay free, and the size of a thread's heaps: an empty one stays.
    private const int LargestFromHeap = 32 << 20;
    private const int MostKept = 256 << 20;
    private const int ThreadHeap = 64 << 20;

    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);
    private static long _returned = Stopwatch.GetTimestamp();
    private static volatile bool _keeps;

    /// <summary>Keeps freed memory for the tensors that follow. Another C library than glibc is left as it is, and so is one that the environment sets up.</summary>
    public static void KeepFreed()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") is not null || Environment.GetEnvironmentVariable("GLIBC_TUNABLES") is not null)
        {
            return;
        }

        try
        {
            _ = SetOption(MapThreshold, LargestFromHeap);
            _ = SetOption(TrimThreshold, MostKept);
            _ = SetOption(TopPad, ThreadHeap);
            _keeps = true;
        }
        catch (Exception failure) when (failure is EntryPointNotFoundException or DllNotFoundException)
        {
            // Only glibc has such options.
        }
    }

    /// <summary>
    /// Gives back what is free, about once a minute whoever calls. Passes overlap differently in every step, so tensors lie elsewhere, and what
    /// was ever touched would add up (measured: 63 of 600 MB after 1,500 steps).
    /// </summary>
    public static void ReturnFreedWhenDue()
    {
        var last = Volatile.Read(ref _returned);
        if (_keeps && Stopwatch.GetElapsedTime(last) >= Kept && Interlocked.CompareExchange(ref _returned, Stopwatch.GetTimestamp(), last) == last)
        {
            ReturnFreed();
        }
    }

    /// <summary>Gives back every page that nothing lies on.</summary>
    public static void ReturnFreed()
    {
        if (_keeps)
        {
            _ = Trim(0);
        }
    }

    [DllImport("libc.so.6", EntryPoint = "mallopt")]
    private static extern int SetOption(int option, int value);

    [DllImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static extern int Trim(nuint kept);
}
