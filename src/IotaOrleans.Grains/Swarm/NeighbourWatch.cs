using System.Collections.Immutable;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Protocol.Validation;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Optimizers;

namespace IotaOrleans.Grains.Swarm;

/// <summary>Looks at what a shard's neighbours send it, and notes what is out of all proportion. Used on the lane.</summary>
internal sealed class NeighbourWatch(ShardAssignment assignment)
{
    private readonly NormWatch _activations = new(assignment.Specification.Validation.StrangeRatio);
    private readonly NormWatch _gradients = new(assignment.Specification.Validation.StrangeRatio);
    private readonly List<StrangeTensor> _strange = [];
    private float[] _values = [];

    /// <summary>Looks at an activation.</summary>
    public void LookAtActivation(TensorFrame frame) => Look(frame, _activations, assignment.Stage - 1);

    /// <summary>Looks at a gradient.</summary>
    public void LookAtGradient(TensorFrame frame) => Look(frame, _gradients, assignment.Stage + 1);

    /// <summary>What was noted since the last time.</summary>
    public ImmutableArray<StrangeTensor> Take()
    {
        if (_strange.Count == 0)
        {
            return [];
        }

        ImmutableArray<StrangeTensor> taken = [.. _strange];
        _strange.Clear();
        return taken;
    }

    private void Look(TensorFrame frame, NormWatch watch, int stage)
    {
        // A frame that does not say who sent it is no evidence against anybody.
        if (assignment.Specification.Validation is { Rate: 0 } or { StrangeRatio: 0 } || frame.Header.Pathway.Length <= stage)
        {
            return;
        }

        var norm = NormOf(frame);
        if (watch.IsStrange(norm))
        {
            _strange.Add(new StrangeTensor(new ShardKey(assignment.Specification.Run, stage, frame.Header.Pathway[stage]), frame.Header.Sequence, norm, watch.Usual ?? 0));
        }
    }

    private double NormOf(TensorFrame frame)
    {
        var format = assignment.Specification.WireFormat;
        // What comes forward passes the boundary before the stage, and what comes back the one after it.
        var width = Boundaries.Width(assignment, frame.Header.Kind == FrameKind.Activation ? FrameKind.Gradient : FrameKind.Activation);
        var count = frame.Payload.Length / WireTensor.RowByteCount(format, width) * width;
        if (_values.Length < count)
        {
            _values = new float[count];
        }

        var values = _values.AsSpan(0, count);
        WireTensor.Unpack(format, frame.Payload.Span, width, values);
        return Math.Sqrt(GradientNorm.SumOfSquares(values) / Math.Max(1, count));
    }
}
