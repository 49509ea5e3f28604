using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>The answer to a shard's report.</summary>
/// <param name="Granted">Micro-batches to run; see <see cref="MicroBatchNumber"/>.</param>
/// <param name="Audited">Segments of this report that will be checked: what they worked on is kept. That of all others can go.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SwarmReply")]
public sealed record SwarmReply([property: Id(0)] ImmutableArray<long> Granted, [property: Id(1)] ImmutableArray<long> Audited)
{
    /// <summary>Nothing to run, nothing to keep.</summary>
    public static SwarmReply Nothing { get; } = new([], []);
}
