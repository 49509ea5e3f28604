using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>An optimizer step over as many parameters as three blocks of tiny have, and clearing their gradients.</summary>
public class AdamWPair : KernelPair
{
    private const int Count = 3 * ((4 * Width * Width) + (3 * Width * Gates));

    private static readonly OptimizerSettings Settings = ModelPresets.Tiny.Optimizer;

    private readonly AdamW _ours = new(Settings, Count);
    private readonly float[] _values = new float[Count];
    private readonly float[] _gradients = new float[Count];
    private readonly Scalar _fill = 0.01f;
    private TorchSharp.Modules.Parameter _parameters = null!;
    private optim.Optimizer _other = null!;
    private long _step;

    public override string Name => $"AdamW step of {Count:N0} parameters, gradients filled and cleared";

    public override string Against => "TorchSharp's AdamW";

    protected override void Prepare()
    {
        _parameters = nn.Parameter(zeros(Count));
        _parameters.grad = zeros(Count);
        _other = optim.AdamW([_parameters], lr: Settings.LearningRate, beta1: Settings.Beta1, beta2: Settings.Beta2, eps: Settings.Epsilon, weight_decay: Settings.WeightDecay);
    }

    protected override void DoOurs()
    {
        _gradients.AsSpan().Fill(0.01f);
        _ours.Step(_values, _gradients, Count, ++_step, Settings.LearningRate, gradientScale: 1);
    }

    protected override void DoOther()
    {
        using var scope = NewDisposeScope();
        _parameters.grad!.fill_(_fill);
        _other.step();
        _parameters.grad!.zero_();
    }
}
