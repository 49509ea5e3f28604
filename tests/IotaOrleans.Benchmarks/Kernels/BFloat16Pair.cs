using IotaOrleans.Tensors;
using IotaOrleans.Training.Models;
using static TorchSharp.torch;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>An activation for the wire, in half the bytes.</summary>
public class BFloat16Pair : KernelPair
{
    private readonly byte[] _wire = new byte[2 * Rows * Width];
    private Tensor _activation = null!;

    public override string Name => "pack an activation in bf16";

    public override string Against => "libtorch's conversion, copied";

    protected override void Prepare() => _activation = randn(Rows, Width);

    protected override void DoOurs() => WireTensor.Pack(WireFormat.BFloat16, Layers.Values(_activation), Width, _wire);

    protected override void DoOther()
    {
        using var converted = _activation.to(ScalarType.BFloat16);
        converted.bytes.CopyTo(_wire);
    }
}
