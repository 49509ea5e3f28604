namespace IotaOrleans;

/// <summary>What came of a check.</summary>
[GenerateSerializer, Alias("IotaOrleans.AuditOutcome")]
public enum AuditOutcome
{
    /// <summary>Everything came out as it was handed in.</summary>
    Passed,

    /// <summary>Something came out differently.</summary>
    Wrong,

    /// <summary>The miner did not show what it had worked on.</summary>
    Declined,

    /// <summary>The miner computes on another kind of processor or with another version than the validator, and may compute other bits: it cannot be checked here.</summary>
    Incomparable,

    /// <summary>The miner was lost before it could show anything: nothing is known.</summary>
    Lost,
}

/// <summary>A verdict on a segment.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Segment">The segment.</param>
/// <param name="Outcome">What came of it.</param>
/// <param name="Finding">What was found, in one sentence.</param>
/// <param name="Passes">Forward and backward passes of the segment that were run again.</param>
/// <param name="Duration">Time that it took to run them again.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.AuditVerdict")]
public sealed record AuditVerdict(
    [property: Id(0)] ShardKey Shard,
    [property: Id(1)] long Segment,
    [property: Id(2)] AuditOutcome Outcome,
    [property: Id(3)] string Finding,
    [property: Id(4)] int Passes,
    [property: Id(5)] TimeSpan Duration);
