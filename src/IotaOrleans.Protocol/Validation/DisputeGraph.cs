using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Who contradicts whom. One contradiction does not say which of the two is wrong, and neither do two: both may be with miners that are wrong.
/// But whoever is right contradicts wrong ones only, and of those there are not many. So a miner is known to be wrong when, for it to be right,
/// more others would have to be wrong than there can be, or all of a neighbouring stage.
/// </summary>
/// <remarks>
/// Wrong miners cover all contradictions, and the fewest that do are as many as a largest matching has edges, since only miners of
/// neighbouring stages contradict each other (Kőnig, 1931). Not safe for several threads.
/// </remarks>
public sealed class DisputeGraph
{
    /// <summary>The largest share of a run's miners that can be wrong at once.</summary>
    public const double LargestWrongShare = 0.3;

    private readonly Dictionary<string, (int Stage, HashSet<string> Others)> _miners = [];
    private readonly HashSet<string> _wrong = [];

    /// <summary>Adds that a miner of a stage contradicts one of the next.</summary>
    /// <returns>Whether that says anything: it does not when one of the two is known to be wrong.</returns>
    public bool Add(string one, int stage, string other)
    {
        if (_wrong.Contains(one) || _wrong.Contains(other))
        {
            return false;
        }

        Find(one, stage).Add(other);
        Find(other, stage + 1).Add(one);
        return true;
    }

    /// <summary>A miner is known to be wrong, from here or from elsewhere: that explains all that contradicts it.</summary>
    public void NoteWrong(string miner)
    {
        _wrong.Add(miner);
        Remove(miner);
    }

    /// <summary>Forgets what a miner contradicted others in.</summary>
    public void Remove(string miner)
    {
        if (_miners.Remove(miner, out var removed))
        {
            foreach (var other in removed.Others)
            {
                _miners[other].Others.Remove(miner);
            }
        }
    }

    /// <summary>Whether a miner must be wrong.</summary>
    /// <param name="miner">The miner.</param>
    /// <param name="stages">The miners of each stage.</param>
    /// <param name="mostMiners">The most miners that the run has had at once.</param>
    public bool MustBeWrong(string miner, ImmutableArray<ImmutableArray<string>> stages, int mostMiners)
    {
        if (!_miners.TryGetValue(miner, out var entry) || entry.Others.Count < 2)
        {
            return false;
        }

        var mostWrong = Math.Max(1, (int)(LargestWrongShare * mostMiners));
        return FewestWrongWith(entry.Others, miner) > mostWrong
            || Neighbours(entry.Stage, stages).Any(neighbours => neighbours.Length > 1 && neighbours.All(entry.Others.Contains));
    }

    private static IEnumerable<ImmutableArray<string>> Neighbours(int stage, ImmutableArray<ImmutableArray<string>> stages) =>
        new[] { stage - 1, stage + 1 }.Where(neighbour => neighbour >= 0 && neighbour < stages.Length).Select(neighbour => stages[neighbour]);

    /// <summary>The fewest miners that can be wrong when a miner is right, and all that it contradicts are wrong therefore.</summary>
    private int FewestWrongWith(HashSet<string> wrong, string right)
    {
        var partners = new Dictionary<string, string>();
        var matched = _miners
            .Where(entry => entry.Value.Stage % 2 == 0 && entry.Key != right && !wrong.Contains(entry.Key))
            .Count(entry => TryMatch(entry.Key, [.. wrong, right], partners));
        return wrong.Count + matched;
    }

    /// <summary>Finds a partner for a miner of an even stage, if the others' partners can be changed so that one is free.</summary>
    private bool TryMatch(string miner, HashSet<string> seen, Dictionary<string, string> partners)
    {
        foreach (var other in _miners[miner].Others.Where(other => _miners[other].Stage % 2 == 1 && seen.Add(other)))
        {
            if (!partners.TryGetValue(other, out var rival) || TryMatch(rival, seen, partners))
            {
                partners[other] = miner;
                return true;
            }
        }

        return false;
    }

    private HashSet<string> Find(string miner, int stage)
    {
        if (!_miners.TryGetValue(miner, out var entry))
        {
            _miners.Add(miner, entry = (stage, []));
        }

        return entry.Others;
    }
}
