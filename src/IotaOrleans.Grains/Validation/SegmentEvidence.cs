namespace IotaOrleans.Grains.Validation;

/// <summary>What has to be shown to do a segment again.</summary>
internal static class SegmentEvidence
{
    /// <summary>The hashes of all bytes that it worked on, each once.</summary>
    public static IEnumerable<UInt128> Of(SegmentRecord segment) => All(segment).Where(hash => hash != UInt128.Zero).Distinct();

    private static IEnumerable<UInt128> All(SegmentRecord segment)
    {
        yield return segment.Start.Weights;
        yield return segment.Start.FirstMoment;
        yield return segment.Start.SecondMoment;
        foreach (var claim in segment.LiveAtStart)
        {
            yield return claim.ForwardWeights;
            yield return claim.Input;
            yield return claim.BackwardWeights;
            yield return claim.Gradient;
        }

        foreach (var op in segment.Ops)
        {
            switch (op.Kind)
            {
                case TraceOpKind.Forward or TraceOpKind.BackwardInput:
                    yield return op.Input;
                    break;
                case TraceOpKind.Merge or TraceOpKind.Fetch:
                    yield return op.Input;
                    yield return op.Output;
                    yield return op.LeftOut;
                    break;
            }
        }
    }
}
