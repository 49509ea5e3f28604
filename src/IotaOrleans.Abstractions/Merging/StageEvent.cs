namespace IotaOrleans;

/// <summary>Something that a stage's phases react to.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageEvent")]
public abstract record StageEvent;

/// <summary>Time went by.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.TimePassed")]
public sealed record TimePassed : StageEvent;

/// <summary>A miner holds the stage and is there, for the first time or again.</summary>
/// <param name="Miner">The miner.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageMinerJoined")]
public sealed record StageMinerJoined([property: Id(0)] string Miner) : StageEvent;

/// <summary>A miner is gone.</summary>
/// <param name="Miner">The miner.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageMinerLost")]
public sealed record StageMinerLost([property: Id(0)] string Miner) : StageEvent;

/// <summary>A miner's work in a round was counted.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Round">The round.</param>
/// <param name="Work">All its verified backward passes in the round so far, so that a repeated report counts once.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageWorkCounted")]
public sealed record StageWorkCounted([property: Id(0)] string Miner, [property: Id(1)] long Round, [property: Id(2)] long Work) : StageEvent;

/// <summary>A miner's update is complete where the owners can get it.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Round">The round.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.UpdateUploaded")]
public sealed record UpdateUploaded([property: Id(0)] string Miner, [property: Id(1)] long Round) : StageEvent;

/// <summary>The owners begin to reduce.</summary>
/// <param name="Round">The round.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ReductionStarted")]
public sealed record ReductionStarted([property: Id(0)] long Round) : StageEvent;

/// <summary>The merge is over and the stage's hash is agreed, or it failed.</summary>
/// <param name="Round">The round.</param>
/// <param name="Outcome">How it ended.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeEnded")]
public sealed record MergeEnded([property: Id(0)] long Round, [property: Id(1)] MergeOutcomeKind Outcome) : StageEvent;
