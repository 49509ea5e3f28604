using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IotaOrleans.Training.Lanes;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Tests.Lanes;

[Collection(TorchAlone.Name)]
public sealed class NativeHeapTests
{
    private const int TensorCount = 64;
    private const int TensorBytes = 1 << 20;
    private const int PageBytes = 4096;
    private const int EntryBytes = 8;
    private const ulong Present = 1UL << 63;

    [Fact]
    public async Task Tensors_come_and_go_on_a_lane_without_new_pages_of_memory()
    {
        const int Tensors = 8;
        const int Length = 1 << 20;
        const int WarmUp = 20;
        const int Passes = 100;
        using var lane = new ComputeLane("test");

        // The heap grows a few times more, until what is freed fits what comes next.
        await lane.RunAsync(() => CountFaults(WarmUp));
        var faults = await lane.RunAsync(() => CountFaults(Passes));

        // In ten passes a tenth of the pages that all tensors have is next to none; over a hundred, the heap may still grow by one tensor once.
        faults.Should().BeLessThan(Passes / 10 * (Tensors * Length * sizeof(float) / Environment.SystemPageSize / 10));

        static long CountFaults(int passes)
        {
            var before = PageFaults();
            for (var pass = 0; pass < passes; pass++)
            {
                using var scope = NewDisposeScope();
                for (var i = 0; i < Tensors; i++)
                {
                    ones(Length);
                }
            }

            return PageFaults() - before;
        }

        // Minor faults of the thread that asks.
        static long PageFaults() => long.Parse(File.ReadAllText("/proc/thread-self/stat").Split(") ")[1].Split(' ')[7], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Memory_of_freed_tensors_is_kept_for_the_next_ones_until_it_is_given_back()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var lane = new ComputeLane("test");

        var (kept, returned) = await lane.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            var tensors = Enumerable.Range(0, TensorCount).Select(_ => ones(TensorBytes / sizeof(float))).ToArray();
            // Every other one, so that none of them lies at the heap's end.
            var freed = tensors.Where((_, index) => index % 2 == 0).ToArray();
            var addresses = freed.Select(AddressOf).ToArray();
            foreach (var tensor in freed)
            {
                tensor.Dispose();
            }

            var before = addresses.Sum(PresentPages);
            NativeHeap.ReturnFreed();
            return (before, addresses.Sum(PresentPages));
        });

        const int Pages = TensorCount / 2 * TensorBytes / PageBytes;
        kept.Should().BeGreaterThan(Pages * 9 / 10);
        returned.Should().BeLessThan(Pages / 10);
    }

    private static nint AddressOf(Tensor tensor) => Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>Pages of a tensor that are in memory, by the kernel's table: an entry of 64 bits for each, of which the highest says so.</summary>
    private static int PresentPages(nint address)
    {
        const int Count = TensorBytes / PageBytes;
        using var table = File.OpenRead("/proc/self/pagemap");
        table.Position = address / PageBytes * EntryBytes;
        var entries = new byte[Count * EntryBytes];
        table.ReadExactly(entries);
        return Enumerable.Range(0, Count).Count(page => (BitConverter.ToUInt64(entries, page * EntryBytes) & Present) != 0);
    }
}
