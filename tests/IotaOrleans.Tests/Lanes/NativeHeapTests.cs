using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IotaOrleans.Training.Lanes;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Tests.Lanes;

public sealed class NativeHeapTests
{
    private const int Tensors = 64;
    private const int TensorBytes = 1 << 20;
    private const int PageBytes = 4096;
    private const int EntryBytes = 8;
    private const ulong Present = 1UL << 63;

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
            var tensors = Enumerable.Range(0, Tensors).Select(_ => ones(TensorBytes / sizeof(float))).ToArray();
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

        const int Pages = Tensors / 2 * TensorBytes / PageBytes;
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
