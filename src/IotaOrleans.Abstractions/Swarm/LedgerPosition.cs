using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>Which micro-batches of an elastic run are done: all below a number but a few.</summary>
/// <param name="Next">The first number that was never given out; see <see cref="MicroBatchNumber"/>.</param>
/// <param name="Missing">Numbers below it that are not done.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.LedgerPosition")]
public sealed record LedgerPosition([property: Id(0)] long Next, [property: Id(1)] ImmutableArray<long> Missing);
