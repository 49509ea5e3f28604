using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>Compares the stages that the miners assembled after a merge.</summary>
public static class StageAgreement
{
    /// <summary>
    /// A version that more than half of the living miners have is canonical; the others fetch it again, so no replica goes on with another.
    /// When no version can have so many any more, everybody returns to the last one.
    /// </summary>
    /// <param name="live">The living miners of the stage.</param>
    /// <param name="reports">Their reports; a miner's last counts, for it may have repaired its stage. Reports of others do not.</param>
    /// <param name="isClosed">Whether the time is up: who has not reported counts as having something else.</param>
    public static StageVerdict Decide(IEnumerable<string> live, IEnumerable<StageHash> reports, bool isClosed)
    {
        var hashes = new Dictionary<string, UInt128?>(StringComparer.Ordinal);
        foreach (var miner in live)
        {
            hashes[miner] = null;
        }

        foreach (var report in reports.Where(report => hashes.ContainsKey(report.Miner)))
        {
            hashes[report.Miner] = report.Hash;
        }

        ImmutableArray<string> waiting = [.. Names(hash => hash is null && !isClosed)];
        var leader = hashes.Values.OfType<UInt128>().CountBy(hash => hash).OrderByDescending(count => count.Value).FirstOrDefault();
        if (2 * leader.Value > hashes.Count)
        {
            ImmutableArray<string> different = [.. Names(hash => hash != leader.Key && (hash is not null || isClosed))];
            var kind = different.IsEmpty && waiting.IsEmpty ? StageVerdictKind.Committed : StageVerdictKind.Repairing;
            return new StageVerdict(kind, leader.Key, different, waiting);
        }

        var possible = 2 * (leader.Value + waiting.Length) > hashes.Count;
        return new StageVerdict(possible ? StageVerdictKind.Waiting : StageVerdictKind.Failed, null, [], waiting);

        IEnumerable<string> Names(Func<UInt128?, bool> matches) =>
            hashes.Where(entry => matches(entry.Value)).Select(entry => entry.Key).Order(StringComparer.Ordinal);
    }
}
