using System.Collections.Immutable;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class WorkClaimsTests
{
    private static readonly ImmutableArray<string> Pathway = ["ada", "bob"];
    private static readonly ShardKey Ada = new("run", 0, "ada");
    private static readonly ShardKey Bob = new("run", 1, "bob");
    private readonly WorkClaims _claims = new();

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(2, 1, 0)]
    [InlineData(1, 0, 2)]
    public void A_pass_counts_once_its_miner_has_signed_for_it_and_the_pathway_names_it(int first, int second, int third)
    {
        Func<WorkFindings>[] steps = [() => _claims.AddPathway(7, Pathway), () => _claims.Add(First("ada", 0, 7)), () => _claims.Add(Last("bob", 0, 7))];

        WorkFindings[] findings = [steps[first](), steps[second](), steps[third]()];

        findings.SelectMany(finding => finding.Passes).Select(pass => (pass.Number, pass.Stage, pass.Miner)).Should().BeEquivalentTo([(7L, 0, "ada"), (7L, 1, "bob")]);
        findings.Should().OnlyContain(finding => finding.Unfounded == null);
        AllIsSaid(Ada, Bob).Should().BeEmpty();
    }

    [Fact]
    public void What_was_signed_for_is_in_the_pass()
    {
        _claims.AddPathway(7, Pathway);

        var pass = _claims.Add(First("ada", 0, 7) with { Start = State(40) }).Passes.Should().ContainSingle().Which.Claim;

        pass.Should().Be(new PassClaim { ForwardOutput = Activation(7), BackwardInput = Gradient(7), Version = 40, ForwardMicroseconds = 3, BackwardMicroseconds = 9, RanBackward = true });
    }

    [Fact]
    public void Whoever_is_not_named_gets_nothing_for_what_it_signs()
    {
        _claims.AddPathway(7, Pathway);

        _claims.Add(Last("eve", 0, 7)).Passes.Should().BeEmpty();
        _claims.Add(Last("bob", 0, 7)).Passes.Should().ContainSingle().Which.Miner.Should().Be("bob");
    }

    [Fact]
    public void Whoever_is_named_and_signs_nothing_gets_nothing()
    {
        _claims.AddPathway(7, ["ada", "idler"]).Passes.Should().BeEmpty();
        _claims.Add(First("ada", 0, 7)).Passes.Should().ContainSingle().Which.Miner.Should().Be("ada");
    }

    [Fact]
    public void What_a_shard_that_is_gone_did_not_sign_for_is_forfeited_once_and_named()
    {
        _claims.AddPathway(7, Pathway);
        _claims.AddPathway(8, Pathway);
        _claims.Add(First("ada", 0, 7, 8));
        _claims.Add(Last("bob", 0, 7));
        _claims.Unsigned.Should().Equal(8);

        _claims.Forfeit(Bob).Forfeited.Should().Equal(new ForfeitedPass(8, 1, "bob"));

        _claims.Forfeit(Bob).Forfeited.Should().BeEmpty();
        _claims.Add(Last("bob", 1, 8)).Passes.Should().BeEmpty("it comes too late");
        _claims.Unsigned.Should().BeEmpty();
        _claims.AddPathway(9, Pathway).Forfeited.Should().Equal([new ForfeitedPass(9, 1, "bob")], "it was under way when bob was lost");
        _claims.Forget(Bob, begins: true);
        _claims.AddPathway(10, Pathway).Forfeited.Should().BeEmpty("bob is back");
    }

    [Fact]
    public void At_the_end_nothing_is_left_without_a_word()
    {
        _claims.AddPathway(7, Pathway);
        _claims.Add(First("ada", 0, 7));
        _claims.AddPathway(8, Pathway);

        _claims.ForfeitAll().Forfeited.Should().Equal(new ForfeitedPass(7, 1, "bob"), new ForfeitedPass(8, 0, "ada"), new ForfeitedPass(8, 1, "bob"));

        _claims.Unsigned.Should().BeEmpty();
    }

    [Fact]
    public void What_is_run_a_second_time_need_not_fit_what_was_signed_for_the_first()
    {
        _claims.NoteRepeated(7);
        _claims.AddPathway(7, Pathway);
        _claims.Add(First("ada", 0, 7));

        var findings = _claims.Add(Altered(Last("bob", 0, 7), TraceOpKind.Forward, op => op with { Input = 99 }));

        findings.Passes.Should().ContainSingle();
        AllIsSaid(Ada, Bob).Should().BeEmpty();
    }

    [Fact]
    public void A_pass_that_is_in_two_segments_counts_when_it_ends()
    {
        _claims.AddPathway(7, Pathway);
        var whole = First("ada", 0, 7);

        _claims.Add(whole with { Ops = whole.Ops[..2] }).Passes.Should().BeEmpty();
        _claims.Add(First("ada", 1) with { Ops = whole.Ops[2..] }).Passes.Should().ContainSingle();
    }

    [Fact]
    public void Who_ran_it_twice_contradicts_nobody_who_got_one_of_the_two()
    {
        _claims.Add(Last("bob", 0, 7));
        _claims.Add(Altered(Last("bob", 1, 7), TraceOpKind.BackwardInput, op => op with { Output = 99 }));
        _claims.AddPathway(7, Pathway);

        _claims.Add(First("ada", 0, 7));

        AllIsSaid(Ada, Bob).Should().BeEmpty("its first gradient is the one that ada got");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    public void The_run_that_the_neighbour_went_on_with_may_be_signed_for_later(int ops)
    {
        _claims.AddPathway(7, Pathway);
        _claims.Add(First("ada", 0, 7));
        _claims.Add(Refused("bob", 0, 7));
        Report(Ada, Ada, Ada, Bob, Bob).Should().BeEmpty("the second run may be in a segment that is still open");
        _claims.Unsigned.Should().BeEmpty("both have signed for it, whatever for");

        var second = Last("bob", 1, 7);
        _claims.Add(second with { Ops = second.Ops[..ops] });

        AllIsSaid(Ada, Bob).Should().BeEmpty("gradients of weights may still be owed");
    }

    [Fact]
    public void What_does_not_fit_after_both_have_said_all_is_a_contradiction()
    {
        _claims.AddPathway(7, Pathway);
        _claims.Add(First("ada", 0, 7));
        _claims.Add(Refused("bob", 0, 7));

        Report(Ada, Ada, Ada, Ada).Should().BeEmpty("bob has said nothing since");
        Report(Bob, Bob).Should().BeEmpty();
        _claims.EndReport(Bob, segments: 0).Disputes.Should().BeEmpty("what is open comes with segments");
        Report(new ShardKey("run", 1, "cid"), new ShardKey("run", 0, "bob")).Should().BeEmpty("those are others");
        Report(Bob).Should().Equal(new Dispute(7, 0, "ada", "bob"));
        Report(Ada, Bob).Should().BeEmpty("it was said");
    }

    [Fact]
    public void Nothing_is_held_against_who_has_contradicted_one_that_is_gone_or_wrong_or_begins_anew()
    {
        Action[] ends = [() => _claims.Forfeit(Bob), () => _claims.NoteWrong("bob"), () => _claims.Forget(Bob, begins: true), () => _claims.Forget(Bob, begins: false)];
        foreach (var (end, number) in ends.Select((end, i) => (end, (long)i)))
        {
            _claims.AddPathway(number, Pathway);
            _claims.Add(First("ada", number, number));
            _claims.Add(Refused("bob", number, number));
            end();

            AllIsSaid(Ada, Bob).Should().BeEmpty();
        }
    }

    [Fact]
    public void Neighbours_that_signed_for_other_bytes_are_named()
    {
        _claims.AddPathway(7, Pathway);
        _claims.Add(First("ada", 0, 7));

        _claims.Add(Altered(Last("bob", 0, 7), TraceOpKind.Forward, op => op with { Input = 99 }));

        AllIsSaid(Ada, Bob).Should().Equal(new Dispute(7, 0, "ada", "bob"));
        MustBeWrong("ada").Should().BeFalse("one contradiction says nothing about who it is");
        MustBeWrong("bob").Should().BeFalse();
    }

    [Fact]
    public void Who_contradicts_more_others_than_can_be_wrong_is_the_one()
    {
        foreach (var (number, miner) in new[] { (1L, "bob"), (2, "cid"), (3, "dan") })
        {
            _claims.AddPathway(number, ["ada", miner]);
            _claims.Add(Last(miner, 0, number));
        }

        _claims.Add(Altered(First("ada", 0, 1, 2), TraceOpKind.BackwardInput, op => op with { Input = 99 }));

        AllIsSaid(Ada, Bob, new ShardKey("run", 1, "cid")).Should().HaveCount(2);

        MustBeWrong("ada").Should().BeTrue("of five miners only one can be wrong");
        MustBeWrong("bob").Should().BeFalse();
        MustBeWrong("cid").Should().BeFalse();
        MustBeWrong("dan").Should().BeFalse("nobody contradicts it");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Who_is_contradicted_by_two_liars_is_not_the_one_whether_others_contradict_them_yet_or_not(int seen)
    {
        foreach (var (number, pathway) in new (long, ImmutableArray<string>)[] { (1, ["ada", "eve"]), (2, ["ada", "mal"]), (3, ["bob", "eve"]), (4, ["bob", "mal"]) }.Take(seen))
        {
            _claims.AddPathway(number, pathway);
            _claims.Add(First(pathway[0], number, number));
            _claims.Add(Altered(Last(pathway[1], number, number), TraceOpKind.Forward, op => op with { Input = 99 }));
            AllIsSaid(new ShardKey("run", 0, pathway[0]), new ShardKey("run", 1, pathway[1])).Should().ContainSingle();
        }

        ImmutableArray<ImmutableArray<string>> stages = [["ada", "bob", "cid", "dan"], ["eve", "mal", "fay", "gil"]];
        stages.SelectMany(miners => miners).Where(miner => _claims.MustBeWrong(miner, stages, 8)).Should().BeEmpty("two of eight can be wrong");
    }

    [Fact]
    public void Contradictions_with_who_is_known_to_be_wrong_are_none()
    {
        _claims.AddPathway(1, ["ada", "bob"]);
        _claims.AddPathway(2, ["ada", "cid"]);
        _claims.Add(First("ada", 0, 1, 2));
        _claims.Add(Altered(Last("bob", 0, 1), TraceOpKind.Forward, op => op with { Input = 99 }));
        AllIsSaid(Ada, Bob).Should().ContainSingle();

        _claims.NoteWrong("bob");
        _claims.NoteWrong("cid");

        _claims.Add(Altered(Last("cid", 0, 2), TraceOpKind.Forward, op => op with { Input = 99 }));
        AllIsSaid(Ada, new ShardKey("run", 1, "cid")).Should().BeEmpty();
        MustBeWrong("ada").Should().BeFalse();
    }

    [Fact]
    public void Who_says_that_something_is_done_must_have_signed_for_it_by_the_next_segment()
    {
        var shard = First("ada", 0).Shard;
        _claims.NoteClaim(shard, 7, segments: 1);
        _claims.NoteClaim(shard, 8, segments: 1);

        _claims.Add(First("ada", 0, 7)).Unfounded.Should().BeNull("the segment after this one was open when it was said");
        _claims.Add(First("ada", 1)).Unfounded.Should().Be(8);
    }

    [Fact]
    public void Who_says_it_twice_must_have_signed_for_it_twice()
    {
        var shard = First("ada", 0).Shard;
        _claims.NoteClaim(shard, 7, segments: 0);
        _claims.NoteClaim(shard, 7, segments: 0);

        _claims.Add(First("ada", 0, 7)).Unfounded.Should().Be(7);
    }

    [Fact]
    public void What_was_in_a_segment_that_was_lost_is_held_against_nobody()
    {
        var shard = First("ada", 0).Shard;
        _claims.NoteClaim(shard, 7, segments: 0);

        _claims.Forget(shard, begins: false);

        _claims.Add(First("ada", 1, 8)).Unfounded.Should().BeNull();
    }

    [Fact]
    public void Who_says_that_something_is_done_of_which_a_part_was_lost_said_the_truth()
    {
        var whole = First("ada", 1, 7);
        _claims.Forget(whole.Shard, begins: false);
        _claims.NoteClaim(whole.Shard, 7, segments: 1);

        var findings = _claims.Add(whole with { Ops = whole.Ops[1..] });

        findings.Unfounded.Should().BeNull();
        _claims.Add(First("ada", 2, 8)).Unfounded.Should().BeNull();
        _claims.AddPathway(7, Pathway).Passes.Should().BeEmpty("what came in is not known, so it is not paid");
    }

    /// <summary>Contradictions that reports with segments make certain, one after the other.</summary>
    private Dispute[] Report(params ShardKey[] shards) => [.. shards.SelectMany(shard => _claims.EndReport(shard, segments: 1).Disputes)];

    /// <summary>Contradictions that are certain once shards have nothing more to say.</summary>
    private Dispute[] AllIsSaid(params ShardKey[] shards) => [.. shards.SelectMany(shard => _claims.EndReport(shard, segments: 0, isLast: true).Disputes)];

    private bool MustBeWrong(string miner) => _claims.MustBeWrong(miner, [["ada"], ["bob", "cid", "dan", "eve"]], 5);

    private static UInt128 Activation(long number) => (UInt128)(1000 + number);

    private static UInt128 Gradient(long number) => (UInt128)(2000 + number);

    private static StateCommitment State(long steps) => new(1, 2, 3, steps);

    private static SegmentRecord First(string miner, long index, params long[] numbers) => Segment(0, miner, index, numbers, number =>
    [
        new TraceOp(TraceOpKind.Forward, number, default, Activation(number), Microseconds: 3),
        new TraceOp(TraceOpKind.BackwardInput, number, Gradient(number), default, Microseconds: 4),
        new TraceOp(TraceOpKind.BackwardWeights, number, Microseconds: 5),
    ]);

    private static SegmentRecord Last(string miner, long index, params long[] numbers) => Segment(1, miner, index, numbers, number =>
    [
        new TraceOp(TraceOpKind.Forward, number, Activation(number)),
        new TraceOp(TraceOpKind.BackwardInput, number, default, Gradient(number)),
        new TraceOp(TraceOpKind.BackwardWeights, number),
    ]);

    private static SegmentRecord Altered(SegmentRecord segment, TraceOpKind kind, Func<TraceOp, TraceOp> alter) =>
        segment with { Ops = [.. segment.Ops.Select(op => op.Kind == kind ? alter(op) : op)] };

    /// <summary>Runs whose gradients the neighbour did not go on with.</summary>
    private static SegmentRecord Refused(string miner, long index, params long[] numbers) =>
        Altered(Last(miner, index, numbers), TraceOpKind.BackwardInput, op => op with { Output = 99 });

    private static SegmentRecord Segment(int stage, string miner, long index, long[] numbers, Func<long, TraceOp[]> ops) => new()
    {
        Shard = new ShardKey("run", stage, miner),
        Index = index,
        Start = State(0),
        End = State(0),
        LiveAtStart = [],
        LiveAtEnd = [],
        Ops = [.. numbers.SelectMany(ops)],
    };
}
