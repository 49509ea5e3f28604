using IotaOrleans.Training.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>RMSNorm, forward and backward.</summary>
public class NormPair : KernelPair
{
    private const float Epsilon = 1e-5f;

    private readonly Scalar _epsilon = Epsilon;
    private Tensor _input = null!;
    private Tensor _weight = null!;
    private Tensor _gradient = null!;

    public override string Name => "RMSNorm, forward and backward";

    public override string Against => "libtorch's elementary operations and their gradients";

    protected override void Prepare() =>
        (_input, _weight, _gradient) = (randn(Rows, Width, requires_grad: true), ones(Width, requires_grad: true), randn(Rows, Width));

    protected override void DoOurs()
    {
        using var scope = NewDisposeScope();
        var (output, byInput, byWeight) = (empty(Rows, Width), empty(Rows, Width), zeros(Width));
        RootMeanSquareNorm.Forward(Layers.Values(_input), Layers.Values(_weight), Epsilon, Layers.Values(output));
        RootMeanSquareNorm.Backward(Layers.Values(_input), Layers.Values(_weight), Epsilon, Layers.Values(_gradient), [], Layers.Values(byInput), Layers.Values(byWeight));
    }

    protected override void DoOther()
    {
        using var scope = NewDisposeScope();
        var output = _input.mul(_input.square().mean([-1], keepdim: true).add(_epsilon).rsqrt()).mul(_weight);
        autograd.grad([output], [_input, _weight], [_gradient]);
    }
}
