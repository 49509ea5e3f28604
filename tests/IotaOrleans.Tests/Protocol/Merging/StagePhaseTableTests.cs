namespace IotaOrleans.Tests.Protocol.Merging;

/// <summary>What each event does in each phase.</summary>
public sealed class StagePhaseTableTests
{
    private static readonly TimePassed Tick = new();

    // Begun in, event, at, then: phase, round, effects.
    private static readonly (StagePhase Start, StageEvent Happened, double At, StagePhase Phase, long Round, string Effects)[] Table =
    [
        (StagePhase.Training, Tick, 99, StagePhase.Training, 1, ""),
        (StagePhase.Training, Tick, 100, StagePhase.Training, 1, "train 1 last TooFew"),
        (StagePhase.Training, StageTrack.Joined("d"), 50, StagePhase.Training, 1, "send d"),
        (StagePhase.Training, StageTrack.Joined("a"), 50, StagePhase.Training, 1, ""),
        (StagePhase.Training, StageTrack.Lost("b"), 50, StagePhase.Training, 1, ""),
        (StagePhase.Training, StageTrack.Lost("x"), 50, StagePhase.Training, 1, ""),
        (StagePhase.Training, StageTrack.Worked("b", 1, 2), 50, StagePhase.Training, 1, ""),
        (StagePhase.Training, StageTrack.Worked("x", 1, 2), 50, StagePhase.Training, 1, ""),
        (StagePhase.Training, StageTrack.Uploaded("a", 1), 50, StagePhase.Training, 1, "refuse 1 a"),
        (StagePhase.Training, StageTrack.Uploaded("a", 2), 50, StagePhase.Training, 1, "refuse 2 a"),
        (StagePhase.Training, StageTrack.Uploaded("x", 1), 50, StagePhase.Training, 1, "refuse 1 x"),
        (StagePhase.Training, new ReductionStarted(1), 50, StagePhase.Training, 1, ""),
        (StagePhase.Training, new MergeEnded(1, MergeOutcomeKind.Merged), 50, StagePhase.Training, 1, ""),

        (StagePhase.Uploading, Tick, 79, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, Tick, 80, StagePhase.Training, 2, "train 2 last TooFew"),
        (StagePhase.Uploading, StageTrack.Joined("d"), 50, StagePhase.Uploading, 1, "send d"),
        (StagePhase.Uploading, StageTrack.Joined("b"), 50, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, StageTrack.Lost("b"), 50, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, StageTrack.Lost("x"), 50, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, StageTrack.Worked("b", 1, 9), 50, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, StageTrack.Uploaded("b", 1), 50, StagePhase.Uploading, 1, "use 1 b"),
        (StagePhase.Uploading, StageTrack.Uploaded("a", 1), 50, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, StageTrack.Uploaded("b", 0), 50, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, StageTrack.Uploaded("b", 2), 50, StagePhase.Uploading, 1, "refuse 2 b"),
        (StagePhase.Uploading, StageTrack.Uploaded("x", 1), 50, StagePhase.Uploading, 1, "refuse 1 x"),
        (StagePhase.Uploading, StageTrack.Uploaded("b", 1), 80, StagePhase.Training, 2, "train 2 last TooFew; pay 1 b"),
        (StagePhase.Uploading, new ReductionStarted(1), 50, StagePhase.Uploading, 1, ""),
        (StagePhase.Uploading, new MergeEnded(1, MergeOutcomeKind.Merged), 50, StagePhase.Uploading, 1, ""),

        (StagePhase.Merging, Tick, 119, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, Tick, 120, StagePhase.Merging, 1, "close 1"),
        (StagePhase.Merging, StageTrack.Joined("d"), 90, StagePhase.Merging, 1, "send d"),
        (StagePhase.Merging, StageTrack.Joined("a"), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, StageTrack.Lost("a"), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, StageTrack.Lost("x"), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, StageTrack.Worked("c", 1, 9), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, StageTrack.Worked("c", 2, 9), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, StageTrack.Uploaded("a", 1), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, StageTrack.Uploaded("c", 1), 110, StagePhase.Merging, 1, "use 1 c"),
        (StagePhase.Merging, StageTrack.Uploaded("c", 1), 110.1, StagePhase.Merging, 1, "refuse 1 c"),
        (StagePhase.Merging, StageTrack.Uploaded("c", 2), 90, StagePhase.Merging, 1, "refuse 2 c"),
        (StagePhase.Merging, new ReductionStarted(1), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, new ReductionStarted(2), 90, StagePhase.Merging, 1, ""),
        (StagePhase.Merging, new MergeEnded(1, MergeOutcomeKind.Merged), 90, StagePhase.Training, 2, "train 2 merged Merged"),
        (StagePhase.Merging, new MergeEnded(1, MergeOutcomeKind.MergedWithGaps), 90, StagePhase.Training, 2, "train 2 merged MergedWithGaps"),
        (StagePhase.Merging, new MergeEnded(1, MergeOutcomeKind.Failed), 90, StagePhase.Training, 2, "train 2 last MergeFailed"),
        (StagePhase.Merging, new MergeEnded(1, MergeOutcomeKind.Merged), 120, StagePhase.Training, 2, "close 1; train 2 merged Merged"),
        (StagePhase.Merging, new MergeEnded(2, MergeOutcomeKind.Merged), 90, StagePhase.Merging, 1, ""),
    ];

    public static TheoryData<int> Rows => [.. Enumerable.Range(0, Table.Length)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Each_event_does_in_each_phase_what_the_table_says(int row)
    {
        var (start, happened, at, phase, round, effects) = Table[row];
        var track = start switch
        {
            StagePhase.Training => StageTrack.InTraining(),
            StagePhase.Uploading => StageTrack.InUploading(),
            _ => StageTrack.InMerging(),
        };
        track.State.Phase.Should().Be(start);

        track.At(at, happened);

        (track.State.Phase, track.State.Round, track.Effects).Should().Be((phase, round, effects), $"{happened} came at {at} s");
    }

    [Fact]
    public void The_table_knows_every_pair_of_phase_and_event()
    {
        var events = typeof(StageEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(StageEvent)));
        var pairs = Enum.GetValues<StagePhase>().SelectMany(phase => events.Select(type => (phase, type)));

        pairs.Except(Table.Select(row => (row.Start, row.Happened.GetType()))).Should().BeEmpty();
    }
}
