using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>
/// Who reduces which part of a stage. Every subset of R of the N miners owns one cell: with R = 2 there are N(N−1)/2 cells, any two miners
/// share exactly one, and each owns N−1. Which subset gets which range follows from a secret alone, so nobody can choose whom to share
/// with, and everybody can check the map when the secret is revealed after the merge.
/// </summary>
public sealed class ButterflyMap
{
    /// <summary>Most cells of a map.</summary>
    public const int MostCells = 1 << 20;

    private readonly byte[] _secret;

    private ButterflyMap(ImmutableArray<string> miners, int owners, long length, byte[] secret, ImmutableArray<MergeCell> cells)
    {
        Miners = miners;
        Owners = owners;
        Length = length;
        Cells = cells;
        _secret = secret;
    }

    /// <summary>The miners by name. Contributions are added up in this order, so that every owner gets the same bits.</summary>
    public ImmutableArray<string> Miners { get; }

    /// <summary>Owners of each cell: R, or all miners when there are fewer.</summary>
    public int Owners { get; }

    /// <summary>Values in the stage's flat vector.</summary>
    public long Length { get; }

    /// <summary>The cells in the order of the vector.</summary>
    public ImmutableArray<MergeCell> Cells { get; }

    /// <summary>Makes the map.</summary>
    /// <param name="miners">The miners that merge, in any order.</param>
    /// <param name="secret">32 random bytes.</param>
    /// <param name="length">Values in the stage's flat vector.</param>
    /// <param name="owners">R, the owners of each cell.</param>
    /// <param name="granularity">Every cell but the last begins and ends at a multiple of so many values: 4096 for the top-k codec, one for dense codecs.</param>
    /// <exception cref="ArgumentException">The secret has another length, a miner is there twice, or there is none.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range, or there would be more than <see cref="MostCells"/> cells.</exception>
    public static ButterflyMap Create(IEnumerable<string> miners, ReadOnlySpan<byte> secret, long length, int owners = 2, int granularity = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(owners, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(granularity, 1);
        if (secret.Length != MergeCommitment.SecretBytes)
        {
            throw new ArgumentException($"a merge's secret is {MergeCommitment.SecretBytes} random bytes, not {secret.Length}", nameof(secret));
        }

        ImmutableArray<string> names = [.. miners.Order(StringComparer.Ordinal)];
        if (names.IsEmpty || names.Distinct(StringComparer.Ordinal).Count() != names.Length)
        {
            throw new ArgumentException("a merge needs at least one miner, and each only once", nameof(miners));
        }

        owners = Math.Min(owners, names.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CountCells(names.Length, owners), MostCells, nameof(owners));
        var subsets = Subsets(names.Length, owners).ToArray();
        var random = new SecretStream(secret, "butterfly");
        random.Shuffle<int[]>(subsets);
        foreach (var subset in subsets)
        {
            random.Shuffle<int>(subset);
        }

        var ranges = Ranges(length, granularity, subsets.Length);
        PrimaryBalance.Balance(names.Length, [.. subsets.Where((_, index) => ranges[index].Length > 0)]);
        var key = secret.ToArray();
        var cells = subsets.Select((subset, index) =>
        {
            ImmutableArray<string> holders = [.. subset.Select(miner => names[miner])];
            return new MergeCell(index, ranges[index].Start, ranges[index].Length, holders, Outsiders(names, holders, key, index).FirstOrDefault());
        });
        return new ButterflyMap(names, owners, length, key, [.. cells]);
    }

    /// <summary>Number of cells: the binomial coefficient C(N, R), or one when N is at most R.</summary>
    public static double CountCells(int miners, int owners = 2)
    {
        var count = 1.0;
        for (var i = 1; i <= Math.Min(owners, miners); i++)
        {
            count = count * (miners - Math.Min(owners, miners) + i) / i;
        }

        return Math.Round(count);
    }

    /// <summary>
    /// Share of the cells that are missing when so many miners are lost: C(k, R)/C(N, R), which is k(k−1)/(N(N−1)) with two owners; when N
    /// is below R everybody owns the one cell.
    /// </summary>
    /// <param name="miners">N, the miners of the map.</param>
    /// <param name="lost">k, how many of them are lost.</param>
    /// <param name="owners">R, the owners of each cell.</param>
    public static double MissingShare(int miners, int lost, int owners = 2)
    {
        var share = 1.0;
        for (var i = 0; i < Math.Min(owners, miners); i++)
        {
            share *= Math.Max(0, lost - i) / (double)(miners - i);
        }

        return share;
    }

    /// <summary>The miners that do not own a cell, in the order in which they are asked to arbitrate; it follows from the secret.</summary>
    public ImmutableArray<string> Arbiters(int cell) => Outsiders(Miners, Cells[cell].Owners, _secret, cell);

    /// <summary>Whether a cell's arbiter is asked although its owners agree; it follows from the secret.</summary>
    /// <param name="cell">Index of the cell.</param>
    /// <param name="share">Share of the cells for which that is so, from 0 to 1.</param>
    public bool IsAlwaysAsked(int cell, double share) => new SecretStream(_secret, "always-ask", cell).NextUnit() < share;

    /// <summary>
    /// Who sends a cell to a miner: those who have it share the others evenly, and the primary takes one more when that does not come out.
    /// If what comes is wrong, any other holder will do. Null when the miner has it, or nobody.
    /// </summary>
    /// <param name="decision">What was decided about the cell.</param>
    /// <param name="receiver">A miner of the map.</param>
    public string? Sender(CellDecision decision, string receiver)
    {
        var holders = decision.Holders;
        return holders.IsEmpty || holders.Contains(receiver)
            ? null
            : holders[Miners.TakeWhile(miner => miner != receiver).Count(miner => !holders.Contains(miner)) % holders.Length];
    }

    /// <summary>The cells that a miner owns.</summary>
    public IEnumerable<MergeCell> OwnedBy(string miner) => Cells.Where(cell => cell.Owners.Contains(miner));

    /// <summary>Indexes of the cells whose owners are all lost; empty cells have nothing to lose.</summary>
    public ImmutableArray<int> Missing(IEnumerable<string> lost)
    {
        var gone = lost.ToHashSet(StringComparer.Ordinal);
        return [.. Cells.Where(cell => cell.Length > 0 && cell.Owners.All(gone.Contains)).Select(cell => cell.Index)];
    }

    private static ImmutableArray<string> Outsiders(ImmutableArray<string> miners, ImmutableArray<string> owners, byte[] secret, int cell)
    {
        var outsiders = miners.Where(miner => !owners.Contains(miner)).ToArray();
        new SecretStream(secret, "arbiters", cell).Shuffle<string>(outsiders);
        return [.. outsiders];
    }

    /// <summary>As equal as possible: in units of the granularity no two cells differ by more than one.</summary>
    private static (long Start, long Length)[] Ranges(long length, int granularity, int cells)
    {
        var units = (length / granularity) + (length % granularity == 0 ? 0 : 1);
        return [.. Enumerable.Range(0, cells).Select(cell => (Boundary(cell), Boundary(cell + 1) - Boundary(cell)))];

        long Boundary(int cell) => (long)Int128.Min(length, (Int128)units * cell / cells * granularity);
    }

    private static IEnumerable<int[]> Subsets(int count, int size)
    {
        var subset = Enumerable.Range(0, size).ToArray();
        while (true)
        {
            yield return [.. subset];
            var last = size - 1;
            while (last >= 0 && subset[last] == count - size + last)
            {
                last--;
            }

            if (last < 0)
            {
                yield break;
            }

            subset[last]++;
            for (var i = last + 1; i < size; i++)
            {
                subset[i] = subset[i - 1] + 1;
            }
        }
    }
}
