using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Validation;

/// <summary>What is known of a micro-batch: the way that it went, and what miners signed for.</summary>
internal sealed class MicroBatchClaims
{
    private const int MostRuns = 4;

    private readonly Dictionary<(int Stage, string Miner), List<PassClaim>> _passes = [];

    /// <summary>The miners that ran it, by stage; none before that is known.</summary>
    public ImmutableArray<string> Pathway { get; set; }

    /// <summary>Stages whose pass counts.</summary>
    public HashSet<int> Confirmed { get; } = [];

    /// <summary>Stages whose pass nobody will be paid for.</summary>
    public HashSet<int> Forfeited { get; } = [];

    /// <summary>Whether it was given out a second time.</summary>
    public bool IsRepeated { get; set; }

    /// <summary>Neighbours whose runs do not fit, or not yet.</summary>
    public int Doubts { get; set; }

    /// <summary>Whether every stage of the pathway has signed for it, or never will.</summary>
    public bool IsSettled => Confirmed.Count + Forfeited.Count == Pathway.Length;

    /// <summary>Passes of a miner, the oldest first: who got a micro-batch again, because its gradient was long in coming, runs it again.</summary>
    public List<PassClaim> PassesOf(int stage, string miner) => _passes.GetValueOrDefault((stage, miner)) ?? [];

    /// <summary>Adds a pass that a miner signed for.</summary>
    public void Add(ShardKey shard, PassClaim pass)
    {
        if (!_passes.TryGetValue((shard.Stage, shard.Miner), out var passes))
        {
            _passes.Add((shard.Stage, shard.Miner), passes = []);
        }

        if (passes.Count < MostRuns)
        {
            passes.Add(pass);
        }
    }
}
