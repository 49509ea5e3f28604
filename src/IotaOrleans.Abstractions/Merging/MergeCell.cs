using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>A consecutive range of a stage's flat vector and those who reduce it.</summary>
/// <param name="Index">The cell, from zero, in the order of the vector.</param>
/// <param name="Start">Index of its first value.</param>
/// <param name="Length">Number of values; zero when the vector is too short for so many cells.</param>
/// <param name="Owners">Those who reduce it. The first is the primary: it sends the result to one more than the others when that does not come out even.</param>
/// <param name="Arbiter">Who is asked first when the owners' copies do not settle it; null when everybody is an owner.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeCell")]
public sealed record MergeCell(
    [property: Id(0)] int Index,
    [property: Id(1)] long Start,
    [property: Id(2)] long Length,
    [property: Id(3)] ImmutableArray<string> Owners,
    [property: Id(4)] string? Arbiter)
{
    /// <summary>Index after its last value.</summary>
    public long End => Start + Length;

    /// <summary>The owner that comes first.</summary>
    public string Primary => Owners[0];
}
