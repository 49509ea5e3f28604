using System.Collections.Immutable;

namespace IotaOrleans.Grains.Swarm;

/// <summary>A micro-batch that a shard ran forward and whose gradient has not come back.</summary>
/// <param name="Pathway">The miners that ran it so far, this one included.</param>
/// <param name="Next">The miner that it was sent to, or null in the last stage.</param>
/// <param name="Ahead">Micro-batches that were under way to that miner then, this one included.</param>
/// <param name="Sent">When it was sent, by the shard's clock.</param>
internal sealed record LivePass(ImmutableArray<string> Pathway, string? Next, int Ahead, TimeSpan Sent);
