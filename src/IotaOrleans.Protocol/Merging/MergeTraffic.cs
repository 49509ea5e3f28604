namespace IotaOrleans.Protocol.Merging;

/// <summary>
/// What a merge moves per miner, in bytes, when all cells are equally large and everybody sends equally much of the result. W is an update, V a
/// result, N the miners, R the owners of each cell (N when there are fewer miners). Hashes and receipts are not counted.
/// </summary>
/// <param name="Up">Bytes that a miner sends.</param>
/// <param name="Down">Bytes that a miner receives.</param>
public readonly record struct MergeTraffic(double Up, double Down)
{
    /// <summary>
    /// Miners send to each other. To reduce, each sends every cell to each owner but itself: R·W·(N−1)/N up, and as an owner of R·W/N gets
    /// that from N−1 others. Then the owners of each cell share the sending of it to the N−R others, and each miner gets the 1−R/N of the
    /// stage that it does not own: V·(N−R)/N each way. With R = 2 and V = W that is W·(3−4/N), below 3W however many miners there are.
    /// </summary>
    /// <param name="miners">N.</param>
    /// <param name="owners">R.</param>
    /// <param name="values">Values in the stage's flat vector.</param>
    /// <param name="updateBytesPerValue">Bytes of an update per value, after its codec.</param>
    /// <param name="resultBytesPerValue">Bytes of a result per value, after its codec.</param>
    public static MergeTraffic Direct(int miners, int owners, long values, double updateBytesPerValue, double resultBytesPerValue)
    {
        var shared = Math.Min(owners, miners);
        var reduce = shared * updateBytesPerValue * values * (miners - 1) / miners;
        var result = resultBytesPerValue * values * (miners - shared) / miners;
        return new MergeTraffic(reduce + result, reduce + result);
    }

    /// <summary>
    /// What arbiters add to <see cref="Direct"/> on average: an arbiter needs the contributions of the N−1 others, so one arbiter for a
    /// share s of the values costs s·W·(N−1)/N each way; zero when everybody is an owner.
    /// </summary>
    /// <param name="miners">N.</param>
    /// <param name="owners">R.</param>
    /// <param name="values">Values in the stage's flat vector.</param>
    /// <param name="updateBytesPerValue">Bytes of an update per value, after its codec.</param>
    /// <param name="share">Arbiters asked per value, on average.</param>
    public static MergeTraffic Arbitration(int miners, int owners, long values, double updateBytesPerValue, double share)
    {
        var bytes = miners > owners ? share * updateBytesPerValue * values * (miners - 1) / miners : 0;
        return new MergeTraffic(bytes, bytes);
    }

    /// <summary>
    /// Everything goes through a store, as IOTA does it: each puts its update and its copies of R/N of the result there, W + R·V/N up, and
    /// fetches its cells of all N updates, its own among them, and the whole result: R·W + V down. With R = 2 and V = W that is W + 2W/N
    /// up and 3W down.
    /// </summary>
    /// <inheritdoc cref="Direct" path="/param"/>
    public static MergeTraffic Store(int miners, int owners, long values, double updateBytesPerValue, double resultBytesPerValue)
    {
        var shared = Math.Min(owners, miners);
        var update = updateBytesPerValue * values;
        var result = resultBytesPerValue * values;
        return new MergeTraffic(update + (shared * result / miners), (shared * update) + result);
    }
}
