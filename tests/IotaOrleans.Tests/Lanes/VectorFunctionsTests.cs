using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using IotaOrleans.Training.Lanes;
using Microsoft.Win32.SafeHandles;
using TorchSharp;

namespace IotaOrleans.Tests.Lanes;

/// <summary>Takes pages of libtorch away from the process, which the system brings back when they are read, and looks which are there.</summary>
[Collection(TorchAlone.Name)]
public sealed class VectorFunctionsTests
{
    private const int Chunk = 16;

    [Fact]
    public void Constants_of_special_values_are_mapped_before_a_lane_computes()
    {
        using var tables = File.OpenHandle("/proc/self/pagemap");
        var page = PageOfTheConstant(tables);
        if (!Avx512F.IsSupported)
        {
            page.Should().BeNull("only AVX-512 loads under masks");
            return;
        }

        page.Should().NotBeNull();
        Drop(page!.Value, 1);
        Exponential(0);
        IsMapped(tables, page.Value).Should().BeFalse("no ordinary value needs it");

        using (new ComputeLane("test"))
        {
            // It is disposed when it has begun and has nothing more to do.
        }

        IsMapped(tables, page.Value).Should().BeTrue();
    }

    /// <summary>The page that the exponential reads for a large number only.</summary>
    private static long? PageOfTheConstant(SafeFileHandle tables)
    {
        Exponential(0);
        Exponential(1000);
        var (first, end) = LibraryPages();
        for (var chunk = first; chunk < end; chunk += Chunk)
        {
            var pages = (int)Math.Min(Chunk, end - chunk);
            Drop(chunk, pages);
            Exponential(1000);
            for (var page = chunk; page < chunk + pages; page++)
            {
                if (IsMapped(tables, page) && !IsReadFor(tables, page, 0) && IsReadFor(tables, page, 1000))
                {
                    return page;
                }
            }
        }

        return null;
    }

    private static bool IsReadFor(SafeFileHandle tables, long page, float value)
    {
        Drop(page, 1);
        Exponential(value);
        return IsMapped(tables, page);
    }

    private static void Exponential(float value)
    {
        using var values = torch.full(64, value);
        values.exp().Dispose();
    }

    /// <summary>Where code and constants of the library lie.</summary>
    private static (long First, long End) LibraryPages()
    {
        var range = File.ReadLines("/proc/self/maps").Single(line => line.Contains(" r-xp ", StringComparison.Ordinal) && line.EndsWith("/libtorch_cpu.so", StringComparison.Ordinal)).Split(' ')[0].Split('-');
        return (Page(range[0]), Page(range[1]));

        static long Page(string address) => long.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture) / Environment.SystemPageSize;
    }

    private static bool IsMapped(SafeFileHandle tables, long page)
    {
        Span<byte> entry = stackalloc byte[sizeof(ulong)];
        RandomAccess.Read(tables, entry, page * sizeof(ulong)).Should().Be(entry.Length);
        return MemoryMarshal.Read<ulong>(entry) >> 63 == 1;
    }

    private static void Drop(long page, int count)
    {
        const int DontNeed = 4;
        Advise((nint)(page * Environment.SystemPageSize), (nuint)count * (nuint)Environment.SystemPageSize, DontNeed).Should().Be(0);
    }

    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int Advise(nint address, nuint length, int advice);
}
