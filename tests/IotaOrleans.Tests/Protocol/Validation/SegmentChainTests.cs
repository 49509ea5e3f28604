using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class SegmentChainTests
{
    private static readonly ShardKey Shard = new("run", 1, "ada");

    [Fact]
    public void Segments_that_follow_each_other_fit()
    {
        var chain = new SegmentChain();

        Enumerable.Range(0, 5).Select(index => chain.Add(Segment(index), out _)).Should().OnlyContain(fit => fit == SegmentFit.Fits);
    }

    [Fact]
    public void A_report_that_was_repeated_speaks_against_nobody()
    {
        var chain = new SegmentChain();
        chain.Add(Segment(0), out _);
        chain.Add(Segment(1), out _);

        chain.Add(Segment(1), out _).Should().Be(SegmentFit.Repeated);
        chain.Add(Segment(0), out _).Should().Be(SegmentFit.Repeated);
        chain.Add(Segment(2), out _).Should().Be(SegmentFit.Fits);
    }

    [Fact]
    public void A_segment_that_is_missing_is_noticed_and_the_chain_goes_on_after_it()
    {
        var chain = new SegmentChain();
        chain.Add(Segment(0), out _);

        chain.Add(Segment(2), out var objection).Should().Be(SegmentFit.Gap);
        objection.Should().BeNull();
        chain.Add(Segment(3), out _).Should().Be(SegmentFit.Fits);
    }

    [Fact]
    public void A_state_from_nowhere_does_not_fit()
    {
        var chain = new SegmentChain();
        chain.Add(Segment(0), out _);

        chain.Add(Segment(1) with { Start = State(77) }, out var objection).Should().Be(SegmentFit.Wrong);
        objection.Should().Be("segment 1 does not begin where segment 0 ended");
    }

    [Fact]
    public void Micro_batches_from_nowhere_do_not_fit()
    {
        var chain = new SegmentChain();
        chain.Add(Segment(0) with { LiveAtEnd = [new LivePassClaim(3, 1, 2, 0, 0)] }, out _);

        chain.Add(Segment(1) with { LiveAtStart = [new LivePassClaim(3, 1, 9, 0, 0)] }, out _).Should().Be(SegmentFit.Wrong);
    }

    [Fact]
    public void What_was_learnt_is_counted_from_the_weights_that_went_into_the_merge()
    {
        var honest = new SegmentChain();
        honest.Add(Segment(0) with { Ops = [new TraceOp(TraceOpKind.Cut, 7, Output: 5)] }, out _).Should().Be(SegmentFit.Fits);
        honest.Add(Segment(1) with { Ops = [new TraceOp(TraceOpKind.Merge, 7, Input: 5, Output: 6)] }, out _).Should().Be(SegmentFit.Fits);

        var lying = new SegmentChain();
        lying.Add(Segment(0) with { Ops = [new TraceOp(TraceOpKind.Cut, 7, Output: 5)] }, out _);
        lying.Add(Segment(1) with { Ops = [new TraceOp(TraceOpKind.Merge, 7, Input: 8, Output: 6)] }, out var objection).Should().Be(SegmentFit.Wrong);
        objection.Should().Be("merge 7 was taken over as if other weights had gone into it");
    }

    private static StateCommitment State(int index) => new((UInt128)index, (UInt128)index, (UInt128)index, index);

    private static SegmentRecord Segment(int index) => new()
    {
        Shard = Shard,
        Index = index,
        Start = State(index),
        End = State(index + 1),
        LiveAtStart = [],
        LiveAtEnd = [],
        Ops = [],
    };
}
