using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>
/// For every two miners how often their copies of the same cell agreed, arbiters' copies among them. The row of a corrupt reducer lights up.
/// </summary>
public sealed class AgreementMatrix
{
    private readonly int[,] _agreed;
    private readonly int[,] _disagreed;
    private readonly int[,] _unknown;

    /// <summary>Compares all copies, two by two.</summary>
    /// <param name="map">The merge's map.</param>
    /// <param name="copies">For each cell the copies that have come.</param>
    internal AgreementMatrix(ButterflyMap map, IReadOnlyList<ImmutableArray<CellCopy>> copies)
    {
        Miners = map.Miners;
        var count = Miners.Length;
        (_agreed, _disagreed, _unknown) = (new int[count, count], new int[count, count], new int[count, count]);
        foreach (var cell in map.Cells.Where(cell => cell.Length > 0))
        {
            var hashes = copies[cell.Index].ToDictionary(copy => Miners.BinarySearch(copy.Miner, StringComparer.Ordinal), copy => copy.Hash);
            var involved = cell.Owners.Select(owner => Miners.BinarySearch(owner, StringComparer.Ordinal)).Union(hashes.Keys).ToArray();
            foreach (var one in involved)
            {
                foreach (var other in involved.Where(other => other != one))
                {
                    var known = hashes.TryGetValue(one, out var hash) & hashes.TryGetValue(other, out var otherHash);
                    (!known ? _unknown : hash == otherHash ? _agreed : _disagreed)[one, other]++;
                }
            }
        }
    }

    /// <summary>The miners in the order of rows and columns.</summary>
    public ImmutableArray<string> Miners { get; }

    /// <summary>Cells in which two miners' copies are equal.</summary>
    public int Agreed(int one, int other) => _agreed[one, other];

    /// <summary>Cells in which two miners' copies differ.</summary>
    public int Disagreed(int one, int other) => _disagreed[one, other];

    /// <summary>Cells in which a copy of one of two miners was due and has not come.</summary>
    public int Unknown(int one, int other) => _unknown[one, other];

    /// <summary>With how many others a miner differed at least once.</summary>
    public int Opponents(int miner) => Enumerable.Range(0, Miners.Length).Count(other => _disagreed[miner, other] > 0);
}
