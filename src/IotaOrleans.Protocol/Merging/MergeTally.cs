using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>
/// Which copies of a merge's cells have come and what they decide. It never changes: each method returns a new tally. A cell's first report
/// from a miner counts; reports from lost miners, from arbiters that were not asked, and all that come after a cell is settled change nothing.
/// </summary>
/// <remarks>
/// A version is believed when it leads every other by <see cref="MergeSettings.RequiredLead"/> copies. Two owners who agree settle a cell
/// by themselves; when they differ, or one is lost, arbiters are asked until one version leads. When everybody who is left has been asked,
/// a smaller lead will do; without any lead nobody is believed. So a single corrupt reducer is always outvoted, and two who collude have
/// their way only in the one cell that both own, unless it is among those whose arbiter is always asked.
/// </remarks>
public sealed class MergeTally
{
    private readonly ButterflyMap _map;
    private readonly MergeSettings _settings;
    private readonly ImmutableList<ImmutableArray<CellCopy>> _copies;
    private readonly ImmutableList<CellDecision> _decisions;
    private readonly int _open;

    private MergeTally(
        ButterflyMap map,
        MergeSettings settings,
        ImmutableList<ImmutableArray<CellCopy>> copies,
        ImmutableHashSet<string> lost,
        ImmutableHashSet<string>? gone,
        ImmutableList<CellDecision>? decisions = null)
    {
        _map = map;
        _settings = settings;
        _copies = copies;
        Lost = lost;
        Gone = gone;
        _decisions = decisions ?? [.. map.Cells.Select(Decide)];
        _open = _decisions.Count(decision => decision.IsOpen);
    }

    /// <summary>Miners that were lost while the merge was open.</summary>
    public ImmutableHashSet<string> Lost { get; }

    /// <summary>Miners that were lost since the merge was closed; null while it is open. They change nothing but who can still send a cell.</summary>
    public ImmutableHashSet<string>? Gone { get; }

    /// <summary>Whether nobody is waited for any more.</summary>
    public bool IsClosed => Gone is not null;

    /// <summary>Whether every cell is settled.</summary>
    public bool IsSettled => _open == 0;

    /// <summary>What is decided so far, one entry per cell.</summary>
    public IReadOnlyList<CellDecision> Decisions => _decisions;

    /// <summary>The copies that count, in the order of the cells and in each of arrival: with the lost miners all that must be stored.</summary>
    public ImmutableArray<CellCopy> Copies => [.. _copies.SelectMany(copies => copies)];

    /// <summary>Arbiters that are asked now, and for which cell.</summary>
    public ImmutableArray<(int Cell, string Arbiter)> Asked =>
    [
        .. _decisions.Where(decision => decision.Standing == CellStanding.WaitingForArbiters)
            .SelectMany(decision => decision.Waiting.Select(arbiter => (decision.Cell, arbiter))),
    ];

    /// <summary>Owners whose copy of some cell differs from the one that is believed, by name.</summary>
    public ImmutableArray<string> Faulty =>
    [
        .. _decisions.SelectMany(decision => decision.Against.Where(_map.Cells[decision.Cell].Owners.Contains))
            .Distinct().Order(StringComparer.Ordinal),
    ];

    /// <summary>Cells whose believed version somebody contradicted: the first that a spot check should look at.</summary>
    public ImmutableArray<int> Contested => [.. _decisions.Where(decision => !decision.Against.IsEmpty).Select(decision => decision.Cell)];

    /// <summary>A tally without copies.</summary>
    public static MergeTally Begin(ButterflyMap map, MergeSettings settings) =>
        new(map, settings, [.. map.Cells.Select(_ => ImmutableArray<CellCopy>.Empty)], [], gone: null);

    /// <summary>The tally that had these copies.</summary>
    /// <param name="map">The merge's map.</param>
    /// <param name="settings">The merge's settings.</param>
    /// <param name="copies">What <see cref="Copies"/> gave.</param>
    /// <param name="lost">What <see cref="Lost"/> gave.</param>
    /// <param name="gone">What <see cref="Gone"/> gave.</param>
    public static MergeTally Restore(
        ButterflyMap map, MergeSettings settings, IEnumerable<CellCopy> copies, IEnumerable<string> lost, IEnumerable<string>? gone)
    {
        var byCell = copies.ToLookup(copy => copy.Cell);
        return new MergeTally(map, settings, [.. map.Cells.Select(cell => byCell[cell.Index].ToImmutableArray())], [.. lost], gone?.ToImmutableHashSet());
    }

    /// <summary>Adds a report.</summary>
    public MergeTally Add(CellCopy copy)
    {
        if (copy.Cell < 0 || copy.Cell >= _decisions.Count || !_decisions[copy.Cell].Waiting.Contains(copy.Miner))
        {
            return this;
        }

        var copies = _copies.SetItem(copy.Cell, _copies[copy.Cell].Add(copy));
        var decision = Decide(_map.Cells[copy.Cell], copies[copy.Cell]);
        return new MergeTally(_map, _settings, copies, Lost, Gone, _decisions.SetItem(copy.Cell, decision));
    }

    /// <summary>A miner is lost: it is no longer waited for, and cannot send what it has.</summary>
    public MergeTally Lose(string miner)
    {
        if (!_map.Miners.Contains(miner) || !IsThere(miner))
        {
            return this;
        }

        return Gone is null
            ? new MergeTally(_map, _settings, _copies, Lost.Add(miner), gone: null)
            : new MergeTally(_map, _settings, _copies, Lost, Gone.Add(miner));
    }

    /// <summary>The merge's time is up: what is not settled is decided by the copies that have come.</summary>
    public MergeTally Close() => IsClosed ? this : new MergeTally(_map, _settings, _copies, Lost, gone: []);

    /// <summary>Who agreed with whom.</summary>
    public AgreementMatrix Agreement() => new(_map, _copies);

    /// <summary>How the merge ended, or null while somebody is waited for.</summary>
    public MergeOutcome? Outcome()
    {
        if (!IsSettled)
        {
            return null;
        }

        ImmutableArray<int> gaps = [.. _decisions.Where(decision => decision.IsGap).Select(decision => decision.Cell)];
        if (gaps.IsEmpty)
        {
            return new MergeOutcome(MergeOutcomeKind.Merged, gaps, null);
        }

        var share = gaps.Sum(cell => (double)_map.Cells[cell].Length) / _map.Length;
        var missing = gaps.Count(cell => _decisions[cell].Standing == CellStanding.Missing);
        var reason = FormattableString.Invariant(
            $"{gaps.Length} of {_map.Cells.Count(cell => cell.Length > 0)} cells, {share * 100:F1} % of the values, have no agreed copy: {missing} lost, {gaps.Length - missing} disputed.");
        var kind = share > _settings.MaximumGapShare || share == 1 ? MergeOutcomeKind.Failed : MergeOutcomeKind.MergedWithGaps;
        return new MergeOutcome(kind, gaps, reason);
    }

    private bool IsThere(string miner) => !Lost.Contains(miner) && Gone?.Contains(miner) != true;

    private CellDecision Decide(MergeCell cell) => Decide(cell, _copies[cell.Index]);

    private CellDecision Decide(MergeCell cell, ImmutableArray<CellCopy> copies)
    {
        if (cell.Length == 0)
        {
            return new CellDecision(cell.Index, CellStanding.Decided, null, [], [], []);
        }

        ImmutableArray<string> late = [.. cell.Owners.Where(owner => !IsClosed && !Lost.Contains(owner) && !Has(owner))];
        if (!late.IsEmpty)
        {
            return new CellDecision(cell.Index, CellStanding.WaitingForOwners, null, [], late, []);
        }

        var votes = copies.Where(copy => cell.Owners.Contains(copy.Miner)).ToList();
        if (votes.Count == 0)
        {
            return new CellDecision(cell.Index, CellStanding.Missing, null, [], [], []);
        }

        var (leader, lead) = Leader(votes);
        var needed = _settings.RequiredLead - lead;
        if (_map.IsAlwaysAsked(cell.Index, _settings.AlwaysAskShare))
        {
            needed = Math.Max(needed, 1);
        }

        var arbiters = new Queue<string>(needed > 0 ? _map.Arbiters(cell.Index).Where(arbiter => Has(arbiter) || !Lost.Contains(arbiter)) : []);
        while (needed > 0 && arbiters.Count > 0)
        {
            ImmutableArray<string> asked = [.. Enumerable.Range(0, Math.Min(needed, arbiters.Count)).Select(_ => arbiters.Dequeue())];
            ImmutableArray<string> silent = [.. asked.Where(arbiter => !Has(arbiter))];
            votes.AddRange(copies.Where(copy => asked.Contains(copy.Miner)));
            (leader, lead) = Leader(votes);
            needed = _settings.RequiredLead - lead;
            if (!silent.IsEmpty)
            {
                if (!IsClosed)
                {
                    return new CellDecision(cell.Index, CellStanding.WaitingForArbiters, null, [], silent, []);
                }

                // Somebody who could have told never did: a smaller lead is not enough.
                return needed > 0 ? new CellDecision(cell.Index, CellStanding.Disputed, null, [], [], []) : Settle(leader);
            }
        }

        return lead > 0 ? Settle(leader) : new CellDecision(cell.Index, CellStanding.Disputed, null, [], [], []);

        bool Has(string miner) => copies.Any(copy => copy.Miner == miner);

        CellDecision Settle(UInt128 hash)
        {
            ImmutableArray<string> holders =
            [
                .. votes.Where(vote => vote.Hash == hash && IsThere(vote.Miner)).Select(vote => vote.Miner)
                    .OrderBy(miner => (uint)cell.Owners.IndexOf(miner)),
            ];
            ImmutableArray<string> against = [.. votes.Where(vote => vote.Hash != hash).Select(vote => vote.Miner)];
            return new CellDecision(cell.Index, holders.IsEmpty ? CellStanding.Missing : CellStanding.Decided, hash, holders, [], against);
        }
    }

    /// <summary>The version with the most copies, and by how many it leads the next.</summary>
    private static (UInt128 Hash, int Lead) Leader(List<CellCopy> votes)
    {
        var counts = votes.CountBy(vote => vote.Hash).OrderByDescending(count => count.Value).ToArray();
        return (counts[0].Key, counts[0].Value - (counts.Length > 1 ? counts[1].Value : 0));
    }
}
