using CsCheck;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class StagePhasePropertyTests
{
    private static readonly StagePhaseSettings Settings = StageTrack.Settings with { MinimumArrivals = 4 };

    private static readonly TimeSpan Bound = Settings.Uploading.Ceiling + Settings.Merging.Ceiling + Settings.Closing;

    private static readonly Gen<string> Miner = Gen.OneOf("a", "b", "c", "d");

    /// <summary>An event, in a round that many are late or early for, and the seconds that pass before it.</summary>
    private static readonly Gen<(StageEvent Happened, double Seconds)> Step = Gen.Select(
        Gen.Frequency<StageEvent>(
            (2, Gen.Const<StageEvent>(new TimePassed())),
            (4, Miner.Select(miner => (StageEvent)new StageMinerJoined(miner))),
            (1, Miner.Select(miner => (StageEvent)new StageMinerLost(miner))),
            (8, Gen.Select(Miner, Gen.Long[1, 4], Gen.Long[0, 4], (miner, round, work) => (StageEvent)new StageWorkCounted(miner, round, work))),
            (8, Gen.Select(Miner, Gen.Long[1, 4], (miner, round) => (StageEvent)new UpdateUploaded(miner, round))),
            (1, Gen.Long[1, 4].Select(round => (StageEvent)new ReductionStarted(round))),
            (2, Gen.Select(Gen.Long[1, 4], Gen.Enum<MergeOutcomeKind>(), (round, outcome) => (StageEvent)new MergeEnded(round, outcome)))),
        Gen.Frequency((4, Gen.Double[0, 5]), (1, Gen.Double[-20, 60])));

    [Fact]
    public void From_wherever_it_is_time_alone_leads_back_to_training_within_the_bounds()
    {
        var starts = new HashSet<(StagePhase, bool)>();
        Step.Array[0, 150].ForAll(steps =>
        {
            foreach (var (reached, at) in States(steps))
            {
                starts.Add((reached.Phase, reached.IsClosing));
                var (state, now) = (reached, at > reached.Since ? at : reached.Since);
                var limit = now + Bound;
                for (var ticks = 0; state.Phase != StagePhase.Training; ticks++)
                {
                    ticks.Should().BeLessThan(4);
                    now = now > state.Deadline ? now : state.Deadline;
                    (state, _) = StagePhases.Next(state, new TimePassed(), now, Settings);
                }

                now.Should().BeOnOrBefore(limit);
            }
        });

        starts.Should().Contain([(StagePhase.Training, false), (StagePhase.Uploading, false), (StagePhase.Merging, false), (StagePhase.Merging, true)], "else the cases prove little");
    }

    [Fact]
    public void Every_deadline_lies_ahead_and_within_the_ceiling() => Step.Array[0, 120].ForAll(steps =>
    {
        var (state, _) = Run(steps);
        var ceiling = state.Phase switch
        {
            StagePhase.Training => Settings.Training.Ceiling,
            StagePhase.Uploading => Settings.Uploading.Ceiling,
            _ when state.IsClosing => TimeSpan.MaxValue,
            _ => Settings.Merging.Ceiling,
        };

        (state.Deadline - state.Since).Should().BePositive().And.BeLessThanOrEqualTo(ceiling);
        StagePhases.Describe(state, state.Since).Should().StartWith($"round {state.Round}, ").And.NotContain("nobody");
    });

    [Fact]
    public void An_event_that_comes_again_changes_nothing() => Gen.Select(Step.Array[0, 120], Step).ForAll((steps, last) =>
    {
        var (state, now) = Run(steps);
        now += TimeSpan.FromSeconds(last.Seconds);
        var (once, _) = StagePhases.Next(state, last.Happened, now, Settings);
        var (twice, effects) = StagePhases.Next(once, last.Happened, now, Settings);

        twice.Should().Be(once);
        effects.Where(effect => effect is not RefuseUpload).Should().BeEmpty();
    }, cases: 500);

    [Fact]
    public void Events_of_strangers_and_of_other_rounds_change_nothing() => Gen.Select(Step.Array[0, 120], Gen.OneOf<long>(-5, 0, 100, long.MaxValue)).ForAll((steps, round) =>
    {
        var (state, now) = Run(steps);
        (state, _) = StagePhases.Next(state, new TimePassed(), now, Settings);
        StageEvent[] strange =
        [
            new StageMinerLost("x"), new StageWorkCounted("x", state.Round, 9), new UpdateUploaded("x", state.Round), new UpdateUploaded("a", round),
            new StageWorkCounted("a", round, 9), new ReductionStarted(round), new MergeEnded(round, MergeOutcomeKind.Merged),
        ];

        foreach (var happened in strange)
        {
            StagePhases.Next(state, happened, now, Settings).State.Should().Be(state);
        }
    });

    [Fact]
    public void History_is_only_ever_added_to_and_every_upload_counts_once() => Step.Array[0, 200].ForAll(steps =>
    {
        var (state, now) = (StagePhases.Begin(StageTrack.Zero, Settings), StageTrack.Zero);
        var counted = new HashSet<(long, string)>();
        foreach (var (happened, seconds) in steps)
        {
            now += TimeSpan.FromSeconds(seconds);
            var (next, effects) = StagePhases.Next(state, happened, now, Settings);
            next.History.Take(state.History.Length).Should().Equal(state.History);
            next.Round.Should().BeInRange(state.Round, state.Round + 2);
            effects.OfType<CountUpload>().All(upload => counted.Add((upload.Round, upload.Miner))).Should().BeTrue();
            effects.OfType<StartMerge>().Where(merge => merge.Miners.IsEmpty).Should().BeEmpty();
            state = next;
        }
    });

    [Fact]
    public void The_history_is_bounded()
    {
        var track = new StageTrack().At(0, StageTrack.Joined("a"));
        for (var tick = 1; tick <= 100; tick++)
        {
            track.At(tick * 100, new TimePassed());
        }

        track.State.History.Should().HaveCount(StagePhases.HistoryLength).And.OnlyContain(record => record.Outcome == PhaseOutcome.TooFew);
        track.State.History[^1].To.Should().Be(StageTrack.Zero + TimeSpan.FromSeconds(10_000));
    }

    private static (StagePhaseState State, DateTimeOffset Now) Run(IEnumerable<(StageEvent Happened, double Seconds)> steps) => States(steps).Last();

    private static IEnumerable<(StagePhaseState State, DateTimeOffset Now)> States(IEnumerable<(StageEvent Happened, double Seconds)> steps)
    {
        var (state, now) = (StagePhases.Begin(StageTrack.Zero, Settings), StageTrack.Zero);
        yield return (state, now);
        foreach (var (happened, seconds) in steps)
        {
            now += TimeSpan.FromSeconds(seconds);
            (state, _) = StagePhases.Next(state, happened, now, Settings);
            yield return (state, now);
        }
    }
}
