namespace IotaOrleans.Protocol.Merging;

/// <summary>Chooses the primary among the owners of each cell so that everybody is primary about equally often.</summary>
internal static class PrimaryBalance
{
    /// <summary>
    /// Moves the chosen primary of each cell to the front. Afterwards nobody could hand one of its cells on, directly or through others,
    /// to a miner that is primary at least two times less often.
    /// </summary>
    /// <param name="miners">Number of miners.</param>
    /// <param name="cells">For each cell its owners, by number.</param>
    public static void Balance(int miners, IReadOnlyList<int[]> cells)
    {
        var loads = new int[miners];
        foreach (var owners in cells)
        {
            var primary = owners.MinBy(owner => loads[owner]);
            MoveToFront(owners, primary);
            loads[primary]++;
        }

        while (Enumerable.Range(0, miners).OrderByDescending(miner => loads[miner]).Any(miner => HandOn(miner, loads, cells)))
        {
        }
    }

    /// <summary>Takes one cell from a miner along the shortest way to one that has at least two fewer.</summary>
    private static bool HandOn(int from, int[] loads, IReadOnlyList<int[]> cells)
    {
        var ledBy = cells.ToLookup(owners => owners[0]);
        var reachedThrough = new int[]?[loads.Length];
        var reached = new bool[loads.Length];
        var queue = new Queue<int>([from]);
        reached[from] = true;
        while (queue.TryDequeue(out var miner))
        {
            if (loads[miner] <= loads[from] - 2)
            {
                loads[miner]++;
                loads[from]--;
                while (reachedThrough[miner] is { } cell)
                {
                    var giver = cell[0];
                    MoveToFront(cell, miner);
                    miner = giver;
                }

                return true;
            }

            foreach (var cell in ledBy[miner])
            {
                foreach (var owner in cell.Where(owner => !reached[owner]))
                {
                    reached[owner] = true;
                    reachedThrough[owner] = cell;
                    queue.Enqueue(owner);
                }
            }
        }

        return false;
    }

    private static void MoveToFront(int[] owners, int primary)
    {
        var index = Array.IndexOf(owners, primary);
        (owners[0], owners[index]) = (owners[index], owners[0]);
    }
}
