using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>How the reduction of one cell went. Contributors are named by their place in the map's order.</summary>
/// <param name="IsMissing">Whether nobody contributed anything that counts: the cell keeps the last agreed version.</param>
/// <param name="NotFinite">Contributors that were left out because they sent a NaN or an infinity.</param>
/// <param name="Understated">Contributors that were left out because this cell alone is larger than the norm they stated for the whole update.</param>
public sealed record CellReduction(bool IsMissing, ImmutableArray<int> NotFinite, ImmutableArray<int> Understated);
