using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace IotaOrleans.Training.Lanes;

/// <summary>Names the kind of processor: machines of one kind compute the same bits, others need not.</summary>
public static class HardwareClass
{
    private const int ExtendedMark = 0xF;

    /// <summary>The kind of this machine's processor.</summary>
    public static string Own { get; } = Name();

    private static string Name()
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
