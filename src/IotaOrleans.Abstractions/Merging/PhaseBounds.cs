namespace IotaOrleans;

/// <summary>Between what a learnt deadline lies.</summary>
/// <param name="Floor">Shortest time until the deadline; above zero.</param>
/// <param name="Ceiling">Longest time until the deadline, and the time while too little is known.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.PhaseBounds")]
public sealed record PhaseBounds([property: Id(0)] TimeSpan Floor, [property: Id(1)] TimeSpan Ceiling);
