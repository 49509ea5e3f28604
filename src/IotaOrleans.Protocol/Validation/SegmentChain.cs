namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Follows the segments of one shard: each begins where the one before ended, and a merge is taken over on top of the weights that went
/// into it. This costs nothing and is looked at for every segment, checked or not.
/// </summary>
public sealed class SegmentChain
{
    private readonly Dictionary<long, UInt128> _cuts = [];
    private SegmentRecord? _last;

    /// <summary>Index of the segment that is expected.</summary>
    public long Next => _last is null ? 0 : _last.Index + 1;

    /// <summary>Adds the next segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="objection">What is wrong with it, in one sentence, or null.</param>
    public SegmentFit Add(SegmentRecord segment, out string? objection)
    {
        objection = null;
        if (_last is not null && segment.Index <= _last.Index)
        {
            return SegmentFit.Repeated;
        }

        var isNext = _last is null || segment.Index == _last.Index + 1;
        if (isNext)
        {
            objection = Contradiction(segment);
        }
        else
        {
            _cuts.Clear();
        }

        NoteCuts(segment, ref objection);
        _last = segment;
        return objection is not null ? SegmentFit.Wrong : isNext ? SegmentFit.Fits : SegmentFit.Gap;
    }

    private string? Contradiction(SegmentRecord segment) =>
        _last is null || (segment.Start == _last.End && segment.LiveAtStart.AsSpan().SequenceEqual(_last.LiveAtEnd.AsSpan()))
            ? null
            : $"segment {segment.Index} does not begin where segment {_last.Index} ended";

    private void NoteCuts(SegmentRecord segment, ref string? objection)
    {
        foreach (var op in segment.Ops)
        {
            if (op.Kind == TraceOpKind.Cut)
            {
                _cuts[op.Number] = op.Output;
            }
            else if (op.Kind == TraceOpKind.Merge && _cuts.Remove(op.Number, out var cut) && cut != op.Input)
            {
                objection ??= $"merge {op.Number} was taken over as if other weights had gone into it";
            }
        }
    }
}
