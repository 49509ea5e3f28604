using IotaOrleans.Training.Models;
using static TorchSharp.torch;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>The rotary position embedding of queries and keys, in the rows that one matrix product leaves.</summary>
public class RotaryPair : KernelPair
{
    private static readonly ModelConfiguration Model = ModelPresets.Tiny.ToConfiguration(vocabularySize: 65);

    private readonly RotaryTable _table = new(Model);
    private Tensor _projected = null!;
    private Tensor _cosines = null!;
    private Tensor _sines = null!;

    public override string Name => "rotary position embedding";

    public override string Against => "libtorch's elementary operations";

    private static int Heads => 2 * Model.HeadCount;

    protected override void Prepare()
    {
        _projected = randn(Rows / Model.ContextLength, Model.ContextLength, 3 * Width);
        var frequencies = arange(0, Model.HeadSize, 2, ScalarType.Float32).div(-Model.HeadSize).mul((float)Math.Log(Model.RotaryBase)).exp();
        var angles = outer(arange(Model.ContextLength, ScalarType.Float32), frequencies).repeat(1, 2).unsqueeze(1);
        (_cosines, _sines) = (angles.cos(), angles.sin());
    }

    protected override void DoOurs()
    {
        var rows = new HeadRows(Layers.Values(_projected), 3 * Width);
        _table.Rotate(rows, rows, Heads, Model.ContextLength);
    }

    protected override void DoOther()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var heads = _projected.narrow(-1, 0, 2 * Width).view(Rows / Model.ContextLength, Model.ContextLength, Heads, Model.HeadSize);
        var halves = heads.chunk(2, -1);
        _ = heads.mul(_cosines).add_(cat([halves[1].neg(), halves[0]], -1).mul_(_sines));
    }
}
