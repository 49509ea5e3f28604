using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Rewards;

/// <summary>
/// Pay as a weight vector of Bittensor's chain: one 16-bit number for each uid, the largest of them 65,535, zeros left out, in the order of
/// the uids.
/// </summary>
/// <param name="Uids">The uids that have a weight, ascending.</param>
/// <param name="Values">Their weights.</param>
public sealed record ChainWeights(ImmutableArray<ushort> Uids, ImmutableArray<ushort> Values)
{
    /// <summary>Scales amounts so that the largest becomes 65,535, rounded to the nearest number.</summary>
    /// <exception cref="ArgumentException">A uid occurs twice, or an amount is negative.</exception>
    public static ChainWeights Of(IEnumerable<(ushort Uid, long Amount)> amounts)
    {
        var ordered = amounts.OrderBy(entry => entry.Uid).ToArray();
        if (ordered.DistinctBy(entry => entry.Uid).Count() != ordered.Length)
        {
            throw new ArgumentException("a uid occurs twice", nameof(amounts));
        }

        if (ordered.Any(entry => entry.Amount < 0))
        {
            throw new ArgumentException("an amount is negative", nameof(amounts));
        }

        var largest = ordered.Select(entry => entry.Amount).DefaultIfEmpty(0).Max();
        var weights = ordered
            .Select(entry => (entry.Uid, Value: largest == 0 ? (ushort)0 : (ushort)((((Int128)entry.Amount * ushort.MaxValue * 2) + largest) / ((Int128)largest * 2))))
            .Where(entry => entry.Value > 0)
            .ToArray();
        return new ChainWeights([.. weights.Select(entry => entry.Uid)], [.. weights.Select(entry => entry.Value)]);
    }
}
