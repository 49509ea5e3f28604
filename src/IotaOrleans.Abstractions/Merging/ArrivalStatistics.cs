using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>How long arrivals took lately: what deadlines are learnt from.</summary>
/// <param name="Durations">The last durations, the newest last.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ArrivalStatistics")]
public sealed record ArrivalStatistics([property: Id(0)] ImmutableArray<TimeSpan> Durations)
{
    /// <summary>Most durations that are kept.</summary>
    public const int Capacity = 64;

    /// <summary>Nothing has arrived yet.</summary>
    public static ArrivalStatistics None { get; } = new(ImmutableArray<TimeSpan>.Empty);
}
