using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>Where a stage stands between training and merging; what its grain stores.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StagePhaseState")]
public sealed record StagePhaseState
{
    /// <summary>What the stage is doing.</summary>
    [Id(0)]
    public required StagePhase Phase { get; init; }

    /// <summary>The round, from one; each ends in a merge or is abandoned.</summary>
    [Id(1)]
    public required long Round { get; init; }

    /// <summary>When the round began.</summary>
    [Id(2)]
    public required DateTimeOffset RoundSince { get; init; }

    /// <summary>When the phase began; training that was prolonged begins again.</summary>
    [Id(3)]
    public required DateTimeOffset Since { get; init; }

    /// <summary>When the phase ends at the latest, or when a merge is told to close.</summary>
    [Id(4)]
    public required DateTimeOffset Deadline { get; init; }

    /// <summary>Whether the owners have begun to reduce: uploads that come now are paid, not merged.</summary>
    [Id(5)]
    public bool IsReducing { get; init; }

    /// <summary>Whether the merge was told to close.</summary>
    [Id(6)]
    public bool IsClosing { get; init; }

    /// <summary>The last round whose uploading has ended; zero when none has.</summary>
    [Id(7)]
    public long GraceRound { get; init; }

    /// <summary>Until when late uploads of that round are accepted.</summary>
    [Id(8)]
    public DateTimeOffset GraceUntil { get; init; }

    /// <summary>All miners that ever joined, by name.</summary>
    [Id(9)]
    public ImmutableArray<StageMember> Members { get; init; } = [];

    /// <summary>The last phases that ended, the newest last.</summary>
    [Id(10)]
    public ImmutableArray<PhaseRecord> History { get; init; } = [];

    /// <summary>How long miners took from the begin of a round until they had done enough.</summary>
    [Id(11)]
    public ArrivalStatistics TrainingArrivals { get; init; } = ArrivalStatistics.None;

    /// <summary>How long miners took to upload.</summary>
    [Id(12)]
    public ArrivalStatistics UploadArrivals { get; init; } = ArrivalStatistics.None;

    /// <summary>How long merges took.</summary>
    [Id(13)]
    public ArrivalStatistics MergeArrivals { get; init; } = ArrivalStatistics.None;
}
