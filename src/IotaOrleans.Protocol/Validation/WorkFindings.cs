using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Validation;

/// <summary>A pass that its miner signed for and that the micro-batch's pathway names it for.</summary>
/// <param name="Number">The micro-batch.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Miner">The miner.</param>
/// <param name="Claim">What it signed for.</param>
public sealed record ConfirmedPass(long Number, int Stage, string Miner, PassClaim Claim);

/// <summary>A pass that the micro-batch's pathway names a miner for, and that the miner was gone before it signed for.</summary>
/// <param name="Number">The micro-batch.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Miner">The miner.</param>
public sealed record ForfeitedPass(long Number, int Stage, string Miner);

/// <summary>Two neighbours wrote down other bytes for what passed between them.</summary>
/// <param name="Number">The micro-batch.</param>
/// <param name="Stage">The earlier stage.</param>
/// <param name="One">Its miner.</param>
/// <param name="Other">The miner of the next stage.</param>
public sealed record Dispute(long Number, int Stage, string One, string Other);

/// <summary>What came of a claim.</summary>
/// <param name="Passes">Passes that count now.</param>
/// <param name="Forfeited">Passes that nobody will be paid for.</param>
/// <param name="Disputes">Contradictions that appeared now.</param>
/// <param name="Unfounded">A micro-batch that was said to be done and is in none of the claimant's segments, or null.</param>
public sealed record WorkFindings(ImmutableArray<ConfirmedPass> Passes, ImmutableArray<ForfeitedPass> Forfeited, ImmutableArray<Dispute> Disputes, long? Unfounded)
{
    /// <summary>Nothing.</summary>
    public static WorkFindings None { get; } = new([], [], [], null);
}
