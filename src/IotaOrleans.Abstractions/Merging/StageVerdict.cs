using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>What follows from the hashes of the assembled stages.</summary>
/// <param name="Kind">The verdict.</param>
/// <param name="Hash">Hash of the canonical version, or null while there is none.</param>
/// <param name="Redownload">Living miners that have something else and must fetch the stage again.</param>
/// <param name="Waiting">Living miners that have not reported.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageVerdict")]
public sealed record StageVerdict(
    [property: Id(0)] StageVerdictKind Kind,
    [property: Id(1)] UInt128? Hash,
    [property: Id(2)] ImmutableArray<string> Redownload,
    [property: Id(3)] ImmutableArray<string> Waiting);
