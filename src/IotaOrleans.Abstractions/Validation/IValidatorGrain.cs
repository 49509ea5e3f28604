namespace IotaOrleans;

/// <summary>Does work again that miners handed in, keyed by run/slot: a slot checks one segment after the other.</summary>
[Alias("IotaOrleans.IValidatorGrain")]
public interface IValidatorGrain : IGrainWithStringKey
{
    /// <summary>Fetches what the segment worked on from its miner, does it again, and compares.</summary>
    /// <param name="assignment">The shard's place in the run.</param>
    /// <param name="segment">The segment as it was handed in.</param>
    /// <param name="hardware">The miner's kind of processor and of program, or null when it is not known: then it is taken for the validator's.</param>
    [Alias("Audit")]
    Task<AuditVerdict> AuditAsync(ShardAssignment assignment, SegmentRecord segment, string? hardware);
}
