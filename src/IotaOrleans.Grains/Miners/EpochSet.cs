using System.Collections.Immutable;

namespace IotaOrleans.Grains.Miners;

/// <summary>
/// A set of epoch numbers as sorted, disjoint ranges with gaps between them: epochs close one after another,
/// so a miner's whole history is usually one range, yet a late or repeated one is still recognised exactly.
/// </summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.EpochSet")]
internal sealed record EpochSet
{
    /// <summary>The set without members.</summary>
    public static EpochSet Empty { get; } = new();

    /// <summary>The ranges, in ascending order.</summary>
    [Id(0)]
    public ImmutableArray<EpochRange> Ranges { get; init; } = [];

    /// <summary>Whether the epoch is in the set.</summary>
    public bool Contains(int epoch) => Ranges.Any(range => range.First <= epoch && epoch <= range.Last);

    /// <summary>The set with one more epoch.</summary>
    public EpochSet Add(int epoch)
    {
        if (Contains(epoch))
        {
            return this;
        }

        var before = Ranges.Where(range => range.Last < epoch).ToList();
        var after = Ranges.Where(range => range.First > epoch).ToList();
        var merged = new EpochRange(epoch, epoch);
        if (before.Count > 0 && before[^1].Last == epoch - 1)
        {
            merged = merged with { First = before[^1].First };
            before.RemoveAt(before.Count - 1);
        }

        if (after.Count > 0 && after[0].First == epoch + 1)
        {
            merged = merged with { Last = after[0].Last };
            after.RemoveAt(0);
        }

        return new EpochSet { Ranges = [.. before, merged, .. after] };
    }
}

/// <summary>Consecutive epochs.</summary>
/// <param name="First">The first one.</param>
/// <param name="Last">The last one, inclusive.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.EpochRange")]
internal readonly record struct EpochRange([property: Id(0)] int First, [property: Id(1)] int Last);
