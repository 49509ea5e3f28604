using System.Globalization;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

/// <summary>A stage that is driven through its phases, event by event; times are seconds from its begin.</summary>
internal sealed class StageTrack
{
    public static readonly DateTimeOffset Zero = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Deadlines that do not move: training 100 s, uploading 50 s, merging 40 s and 10 s to close; two passes qualify, 60 % are a quorum.</summary>
    public static readonly StagePhaseSettings Settings = new()
    {
        MinimumWork = 2,
        Quorum = 0.6,
        Training = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(100)),
        Uploading = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(50)),
        Merging = new(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(40)),
        Closing = TimeSpan.FromSeconds(10),
        Grace = TimeSpan.FromSeconds(30),
        MinimumArrivals = int.MaxValue,
    };

    private readonly StagePhaseSettings _settings;

    public StageTrack(StagePhaseSettings? settings = null)
    {
        _settings = settings ?? Settings;
        State = StagePhases.Begin(Zero, _settings);
    }

    public StagePhaseState State { get; private set; }

    /// <summary>The effects of the last event.</summary>
    public string Effects { get; private set; } = "";

    public string Description(double seconds) => StagePhases.Describe(State, Zero + TimeSpan.FromSeconds(seconds));

    public StageTrack At(double seconds, params StageEvent[] events)
    {
        foreach (var happened in events)
        {
            (State, var effects) = StagePhases.Next(State, happened, Zero + TimeSpan.FromSeconds(seconds), _settings);
            Effects = string.Join("; ", effects.Select(Text));
        }

        return this;
    }

    /// <summary>Miners a, b and c; a did enough.</summary>
    public static StageTrack InTraining(StagePhaseSettings? settings = null) =>
        new StageTrack(settings).At(0, Joined("a"), Joined("b"), Joined("c")).At(10, Worked("a", 1, 2));

    /// <summary>All did enough at 30 s; a has uploaded.</summary>
    public static StageTrack InUploading(StagePhaseSettings? settings = null) =>
        InTraining(settings).At(20, Worked("b", 1, 2)).At(30, Worked("c", 1, 2)).At(35, Uploaded("a", 1));

    /// <summary>A quorum of a and b merges from 80 s on; c is late.</summary>
    public static StageTrack InMerging(StagePhaseSettings? settings = null) =>
        InUploading(settings).At(40, Uploaded("b", 1)).At(80, new TimePassed());

    public static StageEvent Joined(string miner) => new StageMinerJoined(miner);

    public static StageEvent Lost(string miner) => new StageMinerLost(miner);

    public static StageEvent Worked(string miner, long round, long work) => new StageWorkCounted(miner, round, work);

    public static StageEvent Uploaded(string miner, long round) => new UpdateUploaded(miner, round);

    private static string Text(StageEffect effect) => effect switch
    {
        SendLastVersion it => $"send {it.Miner}",
        AskForUploads it => $"ask {it.Round} {string.Join(',', it.Miners)} until {(it.Until - Zero).TotalSeconds.ToString(CultureInfo.InvariantCulture)}",
        StartMerge it => $"merge {it.Round} {string.Join(',', it.Miners)}",
        CountUpload it => $"{(it.IsMerged ? "use" : "pay")} {it.Round} {it.Miner}",
        RefuseUpload it => $"refuse {it.Round} {it.Miner}",
        CloseMerge it => $"close {it.Round}",
        ResumeTraining it => $"train {it.Round} {(it.FromMerged ? "merged" : "last")} {it.After}",
        _ => throw new InvalidOperationException($"no text for {effect}"),
    };
}
