using IotaOrleans.Protocol.Merging;
using static IotaOrleans.Tests.Protocol.Merging.StageTrack;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class StagePhaseTests
{
    [Fact]
    public void A_round_in_which_everybody_is_in_time_waits_for_no_deadline()
    {
        var track = InTraining().At(20, Worked("b", 1, 3));
        track.At(30, Worked("c", 1, 2)).Effects.Should().Be("ask 1 a,b,c until 80");
        track.At(35, Uploaded("a", 1), Uploaded("b", 1)).At(40, Uploaded("c", 1)).Effects.Should().Be("use 1 c; merge 1 a,b,c");
        track.At(50, new ReductionStarted(1), new MergeEnded(1, MergeOutcomeKind.Merged)).Effects.Should().Be("train 2 merged Merged");

        track.State.History.Should().Equal(
            Record(1, StagePhase.Training, PhaseOutcome.AllArrived, 0, 30, 3, 3),
            Record(1, StagePhase.Uploading, PhaseOutcome.AllArrived, 30, 40, 3, 3),
            Record(1, StagePhase.Merging, PhaseOutcome.Merged, 40, 50, 3, 3));
        track.State.Members.Should().OnlyContain(member => member.Work == 0 && member.IsLive);
        track.State.Deadline.Should().Be(Zero + TimeSpan.FromSeconds(150));
    }

    [Fact]
    public void At_the_deadline_a_quorum_of_the_living_suffices()
    {
        var track = InTraining().At(20, Worked("b", 1, 2), Worked("c", 1, 1)).At(100, new TimePassed());
        track.Effects.Should().Be("ask 1 a,b until 150");
        track.State.History.Should().Equal(Record(1, StagePhase.Training, PhaseOutcome.QuorumAtDeadline, 0, 100, 2, 3));

        InMerging().Effects.Should().Be("merge 1 a,b");
        InMerging().State.History[^1].Should().Be(Record(1, StagePhase.Uploading, PhaseOutcome.QuorumAtDeadline, 30, 80, 2, 3));
    }

    [Fact]
    public void The_dead_block_nobody()
    {
        // Two of three are lost: the third is all of the living.
        InTraining().At(50, Lost("b"), Lost("c")).Effects.Should().Be("ask 1 a until 100");
        InUploading().At(50, Lost("b"), Lost("c")).Effects.Should().Be("merge 1 a");
    }

    [Fact]
    public void Who_did_too_little_in_time_gets_more_time_and_keeps_what_it_did()
    {
        var track = InTraining().At(20, Worked("b", 1, 1)).At(100, new TimePassed());
        track.Effects.Should().Be("train 1 last TooFew");

        track.At(150, Worked("b", 1, 2)).At(160, Worked("c", 1, 2)).Effects.Should().Be("ask 1 a,b,c until 210");
        track.State.History.Select(record => record.Outcome).Should().Equal(PhaseOutcome.TooFew, PhaseOutcome.AllArrived);
    }

    [Fact]
    public void Who_did_enough_only_while_the_others_upload_is_merged_too_but_not_waited_for()
    {
        var track = InTraining().At(20, Worked("b", 1, 2)).At(100, new TimePassed()).At(110, Worked("c", 1, 2), Uploaded("c", 1));
        track.Effects.Should().Be("use 1 c");
        track.At(115, Uploaded("a", 1), Uploaded("b", 1)).Effects.Should().Be("use 1 b; merge 1 a,b,c");
    }

    [Fact]
    public void A_late_upload_is_merged_until_the_owners_reduce_and_paid_until_the_grace_is_over()
    {
        InMerging().At(90, Uploaded("c", 1)).Effects.Should().Be("use 1 c");
        InMerging().At(90, new ReductionStarted(1), Uploaded("c", 1)).Effects.Should().Be("pay 1 c");
        var merged = InMerging().At(90, new MergeEnded(1, MergeOutcomeKind.Merged));
        merged.At(100, Uploaded("c", 1)).Effects.Should().Be("pay 1 c");
        merged.At(100, Uploaded("c", 1)).Effects.Should().BeEmpty();
        InMerging().At(90, new MergeEnded(1, MergeOutcomeKind.Merged)).At(111, Uploaded("c", 1)).Effects.Should().Be("refuse 1 c");
    }

    [Fact]
    public void Who_did_too_little_or_was_lost_is_told_why_its_upload_does_not_count()
    {
        var few = InTraining().At(20, Worked("b", 1, 2), Worked("c", 1, 1)).At(100, new TimePassed());
        few.At(105, Uploaded("c", 1)).Effects.Should().Be("refuse 1 c");

        var lost = InUploading().At(50, Lost("b"));
        lost.At(51, Uploaded("b", 1)).Effects.Should().Be("refuse 1 b");
        lost.At(52, Joined("b"), Uploaded("b", 1)).Effects.Should().Be("use 1 b");

        StagePhases.Next(few.State, Uploaded("c", 1), Zero + TimeSpan.FromSeconds(106), Settings).Effects
            .Should().Equal(new RefuseUpload(1, "c", "It did fewer than 2 verified backward passes in round 1."));
    }

    [Theory]
    [InlineData(StagePhase.Training, "train 1 last AllLost", 1)]
    [InlineData(StagePhase.Uploading, "train 2 last AllLost", 2)]
    [InlineData(StagePhase.Merging, "train 2 last AllLost", 2)]
    public void When_the_last_miner_is_lost_the_round_is_abandoned_and_the_stage_waits_for_new_ones(StagePhase phase, string effects, long round)
    {
        var track = phase switch { StagePhase.Training => InTraining(), StagePhase.Uploading => InUploading(), _ => InMerging() };
        var now = phase == StagePhase.Merging ? 85 : 60;
        track.At(now, Lost("a"), Lost("b"));
        track.State.Phase.Should().Be(phase);

        track.At(now, Lost("c"));

        track.Effects.Should().Be(effects);
        (track.State.Phase, track.State.Round).Should().Be((StagePhase.Training, round));
        track.State.History[^1].Outcome.Should().Be(PhaseOutcome.AllLost);
        track.Description(62).Should().Be($"round {round}, training: waits for a miner to join");
        var history = track.State.History;
        track.At(1000, new TimePassed()).Effects.Should().BeEmpty();
        track.State.History.Should().Equal(history);
    }

    [Fact]
    public void If_all_who_could_upload_are_lost_the_round_is_abandoned_at_once() =>
        InTraining().At(50, Joined("d"), Lost("b"), Lost("c"), Worked("d", 1, 2)).At(60, Joined("e")).At(61, Lost("a"), Lost("d"))
            .Effects.Should().Be("train 2 last TooFew");

    [Fact]
    public void A_merge_that_does_not_end_is_told_to_close_and_then_abandoned()
    {
        var track = InMerging().At(120, new TimePassed());
        track.Effects.Should().Be("close 1");
        track.At(129, new TimePassed()).Effects.Should().BeEmpty();
        track.At(130, new TimePassed()).Effects.Should().Be("train 2 last MergeTimedOut");
        track.At(131, new MergeEnded(1, MergeOutcomeKind.Merged)).Effects.Should().BeEmpty();
        track.State.Round.Should().Be(2);
        track.State.History[^1].Outcome.Should().Be(PhaseOutcome.MergeTimedOut);
    }

    [Fact]
    public void A_merge_that_was_told_to_close_may_still_end_well() =>
        InMerging().At(120, new TimePassed()).At(125, new MergeEnded(1, MergeOutcomeKind.MergedWithGaps)).Effects.Should().Be("train 2 merged MergedWithGaps");

    [Fact]
    public void Deadlines_follow_how_fast_miners_are()
    {
        var track = new StageTrack(Settings with { MinimumArrivals = 3 }).At(0, Joined("a"), Joined("b"), Joined("c"));
        for (var round = 1; round <= 4; round++)
        {
            var start = (track.State.RoundSince - Zero).TotalSeconds;
            track.At(start + 10, Worked("a", round, 2)).At(start + 12, Worked("b", round, 2)).At(start + 14, Worked("c", round, 2));
            track.At(start + 20, Uploaded("a", round), Uploaded("b", round), Uploaded("c", round), new MergeEnded(round, MergeOutcomeKind.Merged));
        }

        // Training took 10, 12 and 14 s: median 12, deviation 2.
        (track.State.Deadline - track.State.Since).Should().Be(TimeSpan.FromSeconds(12 + (4 * 2)));
    }

    [Fact]
    public void A_deadline_that_was_too_short_for_all_grows_until_they_fit_in()
    {
        var track = new StageTrack(Settings with { MinimumArrivals = 3 }).At(0, Joined("a"), Joined("b"), Joined("c"));
        track.At(5, Worked("a", 1, 2), Worked("b", 1, 2), Worked("c", 1, 2)).At(6, Uploaded("a", 1), Uploaded("b", 1), Uploaded("c", 1), new MergeEnded(1, MergeOutcomeKind.Merged));
        track.State.Deadline.Should().Be(Zero + TimeSpan.FromSeconds(6 + 6.25));

        // From now on everybody needs 60 s, ten times the deadline.
        for (var second = 7; second < 66; second++)
        {
            track.At(second, new TimePassed());
        }

        track.At(66, Worked("a", 2, 2), Worked("b", 2, 2), Worked("c", 2, 2));
        track.State.Phase.Should().Be(StagePhase.Uploading);
        track.At(67, Uploaded("a", 2), Uploaded("b", 2), Uploaded("c", 2), new MergeEnded(2, MergeOutcomeKind.Merged));
        (track.State.Deadline - track.State.Since).Should().BeGreaterThan(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void The_description_says_what_is_waited_for_and_until_when()
    {
        InTraining().Description(60).Should().Be("round 1, training: 1 of 3 did enough, waits for b, c until 12:01:40 UTC (40 s)");
        InUploading().Description(79.5).Should().Be("round 1, uploading: 1 of 3 there, waits for b, c until 12:01:20 UTC (1 s)");
        InMerging().Description(80).Should().Be("round 1, merging: waits for the owners to begin until 12:02:00 UTC (40 s), then it is told to close");
        InMerging().At(90, new ReductionStarted(1)).Description(300).Should().Be("round 1, merging: the owners reduce, waits for agreement until 12:02:00 UTC (0 s), then it is told to close");
        InMerging().At(120, new TimePassed()).Description(121).Should().Be("round 1, merging: told to close, waits for its outcome until 12:02:10 UTC (9 s), then everybody returns to the last version");
        InTraining().At(11, Joined("d"), Joined("e")).Description(12).Should().Contain("waits for b, c, d and 1 more until");
    }

    private static PhaseRecord Record(long round, StagePhase phase, PhaseOutcome outcome, double from, double to, int arrived, int expected) =>
        new(round, phase, outcome, Zero + TimeSpan.FromSeconds(from), Zero + TimeSpan.FromSeconds(to), arrived, expected);
}
