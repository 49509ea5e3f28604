using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>How a merge ended.</summary>
/// <param name="Kind">Its name.</param>
/// <param name="Gaps">Indexes of the cells that keep the last agreed version.</param>
/// <param name="Reason">One sentence that says why there are gaps or why the merge failed, or null.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeOutcome")]
public sealed record MergeOutcome(
    [property: Id(0)] MergeOutcomeKind Kind,
    [property: Id(1)] ImmutableArray<int> Gaps,
    [property: Id(2)] string? Reason);
