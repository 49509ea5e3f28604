using IotaOrleans.Training.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>The gate of SwiGLU, forward and backward.</summary>
public class GatePair : KernelPair
{
    private Tensor _gateUp = null!;
    private Tensor _gradient = null!;

    public override string Name => "SwiGLU's gate, forward and backward";

    public override string Against => "libtorch's elementary operations and their gradients";

    protected override void Prepare() => (_gateUp, _gradient) = (randn(Rows, 2 * Gates, requires_grad: true), randn(Rows, Gates));

    protected override void DoOurs()
    {
        using var scope = NewDisposeScope();
        var (output, byInput) = (empty(Rows, Gates), empty(Rows, 2 * Gates));
        GatedUnit.Forward(Layers.Values(_gateUp), Gates, Layers.Values(output));
        GatedUnit.Backward(Layers.Values(_gateUp), Gates, Layers.Values(_gradient), Layers.Values(byInput));
    }

    protected override void DoOther()
    {
        using var scope = NewDisposeScope();
        var output = silu(_gateUp.narrow(1, 0, Gates)).mul(_gateUp.narrow(1, Gates, Gates));
        autograd.grad([output], [_gateUp], [_gradient]);
    }
}
