using IotaOrleans.Tensors;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>Memory for an activation.</summary>
public class LeasePair : KernelPair
{
    private const int ByteCount = sizeof(float) * Rows * Width;

    private readonly FramePool _pool = new();
    private byte[] _array = [];

    public override string Name => "lease a frame of 1 MiB and give it back";

    public override string Against => "a new array each time";

    protected override void Prepare()
    {
    }

    protected override void DoOurs() => _pool.Rent(ByteCount).Dispose();

    protected override void DoOther() => _array = GC.AllocateUninitializedArray<byte>(ByteCount);
}
