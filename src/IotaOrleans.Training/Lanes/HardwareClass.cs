using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using TorchSharp;

namespace IotaOrleans.Training.Lanes;

/// <summary>
/// Names what decides which bits a machine computes: the kind of its processor, the library, and the order of operations that this program
/// gives it. Machines of one kind compute the same bits and name them alike, others need not.
/// </summary>
public static class HardwareClass
{
    /// <summary>
    /// Counts the changes of this program after which the same work has other bits, or the same bits another hash: miners of both versions may be in
    /// one cluster while it is brought up to date. Split products made it 2, <c>blake3-128</c> 3.
    /// </summary>
    private const int Arithmetic = 3;

    private const int ExtendedMark = 0xF;

    /// <summary>This machine's kind.</summary>
    public static string Own { get; } = string.Create(CultureInfo.InvariantCulture, $"{Processor()}, TorchSharp {typeof(torch).Assembly.GetName().Version}, arithmetic {Arithmetic}");

    private static string Processor()
    {
        var general = $"{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}, vectors of {Vector<byte>.Count * 8} bits{(Avx512F.IsSupported ? ", AVX-512" : "")}";
        if (!X86Base.IsSupported)
        {
            return general;
        }

        // Leaf 0 has the vendor, leaf 1 family and model (Intel SDM, volume 2, CPUID); libraries choose their kernels by them.
        var (_, ebx, ecx, edx) = X86Base.CpuId(0, 0);
        var vendor = Encoding.ASCII.GetString([.. BitConverter.GetBytes(ebx), .. BitConverter.GetBytes(edx), .. BitConverter.GetBytes(ecx)]);
        var signature = X86Base.CpuId(1, 0).Eax;
        var family = (signature >> 8) & ExtendedMark;
        var model = ((signature >> 4) & ExtendedMark) | ((signature >> 12) & 0xF0);
        return $"{general}, {vendor} {(family == ExtendedMark ? family + ((signature >> 20) & 0xFF) : family)}/{model}";
    }
}
