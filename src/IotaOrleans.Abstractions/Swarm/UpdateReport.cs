namespace IotaOrleans;

/// <summary>What a replica says of the update that it is ready to merge.</summary>
/// <param name="Work">Backward passes that went into it: its weight.</param>
/// <param name="Norm">Euclidean norm of the whole pseudo-gradient.</param>
/// <param name="Length">Values in the stage's flat vector.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.UpdateReport")]
public sealed record UpdateReport([property: Id(0)] long Work, [property: Id(1)] double Norm, [property: Id(2)] long Length);
