using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>What a stage's grain has to do after a transition, in this order.</summary>
public abstract record StageEffect;

/// <summary>Give a miner that joined the last agreed version, unless it was only away for a moment and still has what it had.</summary>
/// <param name="Miner">The miner.</param>
public sealed record SendLastVersion(string Miner) : StageEffect;

/// <summary>Ask miners for their updates.</summary>
/// <param name="Round">The round.</param>
/// <param name="Miners">Those who did enough and live.</param>
/// <param name="Until">When uploading ends at the latest.</param>
public sealed record AskForUploads(long Round, ImmutableArray<string> Miners, DateTimeOffset Until) : StageEffect;

/// <summary>Start the merge.</summary>
/// <param name="Round">The round.</param>
/// <param name="Miners">Those whose update is there and who live.</param>
public sealed record StartMerge(long Round, ImmutableArray<string> Miners) : StageEffect;

/// <summary>An upload counts as work.</summary>
/// <param name="Round">The round.</param>
/// <param name="Miner">The miner.</param>
/// <param name="IsMerged">Whether the merge uses it; otherwise it came too late for that and is only paid.</param>
public sealed record CountUpload(long Round, string Miner, bool IsMerged) : StageEffect;

/// <summary>An upload does not count.</summary>
/// <param name="Round">The round.</param>
/// <param name="Miner">The miner.</param>
/// <param name="Reason">Why, in one sentence for the miner.</param>
public sealed record RefuseUpload(long Round, string Miner, string Reason) : StageEffect;

/// <summary>Tell the merge that its time is up: decide by what has come.</summary>
/// <param name="Round">The round.</param>
public sealed record CloseMerge(long Round) : StageEffect;

/// <summary>The miners train again.</summary>
/// <param name="Round">The round that begins, or goes on when training is prolonged.</param>
/// <param name="FromMerged">Whether they train from the merged version; otherwise from the last agreed one, or on from where they are when the round goes on.</param>
/// <param name="After">How the phase before ended.</param>
public sealed record ResumeTraining(long Round, bool FromMerged, PhaseOutcome After) : StageEffect;
