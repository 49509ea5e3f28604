using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Training.Models;

/// <summary>
/// The narrow end of a stage: z = x[..b] + W_down · norm(x), where x is the residual stream after the stage's last block. The first b
/// channels pass as they are, so that the residual path is uninterrupted from embedding to head, as in IOTA's native bottleneck and in ResBM
/// (Aboudib et al., 2026); all others reach the receiver through one matrix each, learnt with the model.
/// </summary>
/// <remarks>
/// In a short comparison at a 64th of the width, linear maps whose weights begin as small as any other matrix's learnt as fast as a receiver
/// with a SiLU behind its matrix, and faster than weights that begin at one over the root of their inputs.
/// </remarks>
internal sealed class BottleneckSender
{
    private readonly int _width;
    private readonly long[] _padding;
    private readonly float _epsilon;
    private readonly StageWeight _norm;
    private readonly StageWeight _down;

    public BottleneckSender(ModelConfiguration model, StageParameters parameters, int block)
    {
        _width = model.BoundaryWidth(block + 1);
        _padding = [0, model.HiddenSize - _width];
        _epsilon = (float)model.NormEpsilon;
        _norm = parameters.Weight(Checkpoints.LlamaTensors.BottleneckNorm(block));
        _down = parameters.Weight(Checkpoints.LlamaTensors.BottleneckDown(block));
    }

    /// <summary>[batch, time, model] → [batch, time, bottleneck].</summary>
    public Tensor Forward(Tensor hidden, PassRecord? record)
    {
        var narrowed = Layers.Linear(Layers.Norm(hidden, _norm, _epsilon, record), _down, record);
        record?.AddBypass(gradient => nn.functional.pad(gradient, _padding));
        return hidden.narrow(-1, 0, _width).add(narrowed, Numbers.One);
    }
}

/// <summary>The wide beginning of a stage: x = pad(z) + W_up · z, so that the first b channels have an uninterrupted residual path.</summary>
internal sealed class BottleneckReceiver
{
    private readonly long _width;
    private readonly long[] _padding;
    private readonly StageWeight _up;

    public BottleneckReceiver(ModelConfiguration model, StageParameters parameters, int block)
    {
        _width = model.BoundaryWidth(block);
        _padding = [0, model.HiddenSize - _width];
        _up = parameters.Weight(Checkpoints.LlamaTensors.BottleneckUp(block));
    }

    /// <summary>[batch, time, bottleneck] → [batch, time, model].</summary>
    public Tensor Forward(Tensor received, PassRecord? record)
    {
        // Steps run backward in reverse: the gradients through the matrix and past it part at the sum and meet here.
        record?.Add(gradient => gradient.add(record.TakeBypass()!, Numbers.One));
        var widened = Layers.Linear(received, _up, record);
        record?.AddBypass(gradient => gradient.narrow(-1, 0, _width));
        return nn.functional.pad(received, _padding).add(widened, Numbers.One);
    }
}
