namespace IotaOrleans;

/// <summary>How long a stage's phases may take and how many must arrive.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StagePhaseSettings")]
public sealed record StagePhaseSettings
{
    /// <summary>Verified backward passes that a miner must do in a round to take part in its merge.</summary>
    [Id(0)]
    public long MinimumWork { get; init; } = 1;

    /// <summary>Share of the living miners that suffices at a deadline, above 0 and at most 1.</summary>
    [Id(1)]
    public double Quorum { get; init; } = 0.8;

    /// <summary>How long training may take.</summary>
    [Id(2)]
    public PhaseBounds Training { get; init; } = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(30));

    /// <summary>How long uploading may take.</summary>
    [Id(3)]
    public PhaseBounds Uploading { get; init; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(5));

    /// <summary>How long merging may take until it is told to close.</summary>
    [Id(4)]
    public PhaseBounds Merging { get; init; } = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5));

    /// <summary>How long a merge may take to end after it was told to close; above zero.</summary>
    [Id(5)]
    public TimeSpan Closing { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long after its phase an upload is still accepted and paid.</summary>
    [Id(6)]
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Deadlines lie so many median absolute deviations after the median arrival.</summary>
    [Id(7)]
    public double Deviations { get; init; } = 4;

    /// <summary>Arrivals from which a deadline is learnt; with fewer it is the ceiling.</summary>
    [Id(8)]
    public int MinimumArrivals { get; init; } = 5;
}
