using System.Collections.Immutable;
using System.Runtime.InteropServices;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Protocol.Validation;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Optimizers;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// Looks at what a shard's neighbours send it: what is out of all proportion is noted, and refused once, so that nobody learns from it before
/// its sender has been looked at. Used on the lane.
/// </summary>
internal sealed class NeighbourWatch(ShardAssignment assignment)
{
    private const int MostRefused = 1024;

    private readonly NormWatch _activations = new(assignment.Specification.Validation.StrangeRatio);
    private readonly NormWatch _gradients = new(assignment.Specification.Validation.StrangeRatio);
    private readonly List<StrangeTensor> _strange = [];
    private readonly HashSet<(FrameKind Kind, long Number)> _refused = [];
    private float[] _values = [];

    /// <summary>Looks at an activation or a gradient.</summary>
    /// <param name="frame">The tensor.</param>
    /// <param name="members">Who works where.</param>
    /// <returns>Whether to learn from it.</returns>
    public bool Accepts(TensorFrame frame, SwarmMembers members)
    {
        var (watch, stage) = frame.Header.Kind == FrameKind.Activation ? (_activations, assignment.Stage - 1) : (_gradients, assignment.Stage + 1);
        // A frame that does not say who sent it is no evidence against anybody.
        if (assignment.Specification.Validation is { Rate: 0 } or { StrangeRatio: 0 } || frame.Header.Pathway.Length <= stage)
        {
            return true;
        }

        var norm = NormOf(frame);
        if (watch.IsStrange(norm))
        {
            _strange.Add(new StrangeTensor(new ShardKey(assignment.Specification.Run, stage, frame.Header.Pathway[stage]), frame.Header.Sequence, norm, watch.Usual ?? 0));
            if (Refuses((frame.Header.Kind, frame.Header.Sequence), isNumber: double.IsFinite(norm), hasOthers: members.Stages[stage].Length > 1))
            {
                return false;
            }
        }

        watch.Remember(norm);
        return true;
    }

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

    /// <summary>
    /// What is no number is never learnt from. All else is refused once: it may be right after all, and then comes again. Nothing is gained by
    /// refusing when only its sender could send it again.
    /// </summary>
    private bool Refuses((FrameKind Kind, long Number) tensor, bool isNumber, bool hasOthers)
    {
        if (!hasOthers || (isNumber && _refused.Remove(tensor)))
        {
            return false;
        }

        if (_refused.Count == MostRefused)
        {
            _refused.Clear();
        }

        _refused.Add(tensor);
        return true;
    }

    private double NormOf(TensorFrame frame)
    {
        var format = assignment.Specification.WireFormat;
        if (format == WireFormat.Float32)
        {
            return NormOf(MemoryMarshal.Cast<byte, float>(frame.Payload.Span));
        }

        // What comes forward passes the boundary before the stage, and what comes back the one after it.
        var width = Boundaries.Width(assignment, frame.Header.Kind == FrameKind.Activation ? FrameKind.Gradient : FrameKind.Activation);
        var count = frame.Payload.Length / WireTensor.RowByteCount(format, width) * width;
        if (_values.Length < count)
        {
            _values = new float[count];
        }

        var values = _values.AsSpan(0, count);
        WireTensor.Unpack(format, frame.Payload.Span, width, values);
        return NormOf(values);
    }

    private static double NormOf(ReadOnlySpan<float> values) => Math.Sqrt(GradientNorm.SumOfSquares(values) / Math.Max(1, values.Length));
}
