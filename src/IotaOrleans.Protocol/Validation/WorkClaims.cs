using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Brings together what miners say of each other's work. A pass counts when the first stage names the miner in the micro-batch's pathway and the
/// miner has signed for the pass itself; neighbours must have written down the same bytes; and who says that a micro-batch is done must have its
/// passes in its own segments. None of this runs anything again, and all of it is looked at, always.
/// </summary>
/// <remarks>Not safe for several threads. Remembers the newest micro-batches only.</remarks>
public sealed class WorkClaims
{
    private const int MostKept = 8192;
    private const int MostRuns = 4;

    private readonly SortedDictionary<long, MicroBatch> _microBatches = [];
    private readonly Dictionary<(ShardKey Shard, long Number), PassClaim> _running = [];
    private readonly Dictionary<ShardKey, long> _lastSegments = [];
    private readonly Dictionary<ShardKey, List<(long Number, long Deadline)>> _unproven = [];
    private readonly DisputeGraph _disputes = new();
    private readonly HashSet<(string Miner, int Stage)> _gone = [];

    /// <summary>Micro-batches that went all the way and back, and that a miner on their way has still to sign for.</summary>
    public IEnumerable<long> Unsigned => _microBatches.Where(entry => !entry.Value.Pathway.IsDefault).Select(entry => entry.Key);

    /// <summary>Notes that a first stage says that a micro-batch went all the way and back.</summary>
    /// <param name="claimant">The shard of the first stage.</param>
    /// <param name="number">The micro-batch.</param>
    /// <param name="segments">Segments that came with the claim and are still to be added: its passes must be in one of them, or in the next one.</param>
    public void NoteClaim(ShardKey claimant, long number, int segments)
    {
        if (!_unproven.TryGetValue(claimant, out var claims))
        {
            _unproven.Add(claimant, claims = []);
        }

        claims.Add((number, _lastSegments.GetValueOrDefault(claimant, -1) + segments + 1));
    }

    /// <summary>Adds the pathway of a micro-batch that counts.</summary>
    public WorkFindings AddPathway(long number, ImmutableArray<string> pathway)
    {
        var microBatch = Find(number);
        if (!microBatch.Pathway.IsDefault)
        {
            return WorkFindings.None;
        }

        microBatch.Pathway = pathway;
        var findings = new Findings();
        for (var stage = 0; stage < pathway.Length; stage++)
        {
            Confirm(number, microBatch, stage, pathway[stage], findings);
            if (_gone.Contains((pathway[stage], stage)))
            {
                Forfeit(number, microBatch, stage, findings);
            }
        }

        Forget(number, microBatch);
        return findings.ToFindings();
    }

    /// <summary>Adds the next segment of a shard.</summary>
    public WorkFindings Add(SegmentRecord segment)
    {
        var findings = new Findings();
        var (shard, version) = (segment.Shard, segment.Start.LocalSteps);
        var name = segment.Seal is { } seal ? SegmentHash.Short(seal.Hash.AsSpan()) : UInt128.Zero;
        var unproven = _unproven.GetValueOrDefault(shard);
        foreach (var op in segment.Ops)
        {
            switch (op.Kind)
            {
                case TraceOpKind.Forward:
                    _running[(shard, op.Number)] = new PassClaim { ForwardInput = op.Input, ForwardOutput = op.Output, Version = version, ForwardMicroseconds = op.Microseconds };
                    break;
                case TraceOpKind.BackwardInput:
                    // The forward pass may be in a segment that was lost: then this one is not paid, but the miner said the truth.
                    if (unproven?.FindIndex(claim => claim.Number == op.Number) is { } proven and >= 0)
                    {
                        unproven.RemoveAt(proven);
                    }

                    if (_running.TryGetValue((shard, op.Number), out var pass))
                    {
                        _running[(shard, op.Number)] = pass with { BackwardInput = op.Input, BackwardOutput = op.Output, BackwardMicroseconds = op.Microseconds, RanBackward = true };
                    }

                    break;
                case TraceOpKind.BackwardWeights when _running.Remove((shard, op.Number), out var ended) && ended.RanBackward:
                    var microBatch = Find(op.Number);
                    microBatch.Add(shard, ended with { Segment = name, BackwardMicroseconds = ended.BackwardMicroseconds + op.Microseconds });
                    Confirm(op.Number, microBatch, shard.Stage, shard.Miner, findings);
                    Forget(op.Number, microBatch);
                    break;
                case TraceOpKind.Update:
                    version = op.Number;
                    break;
            }
        }

        _lastSegments[shard] = segment.Index;
        if (unproven?.FindIndex(claim => claim.Deadline <= segment.Index) is { } late and >= 0)
        {
            findings.Unfounded = unproven[late].Number;
            unproven.Clear();
        }

        return findings.ToFindings();
    }

    /// <summary>Passes over what a shard said before: a segment was lost, or it begins anew.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="begins">Whether its segments are counted from zero again.</param>
    public void Forget(ShardKey shard, bool begins)
    {
        _unproven.Remove(shard);
        foreach (var key in _running.Keys.Where(key => key.Shard == shard).ToArray())
        {
            _running.Remove(key);
        }

        if (begins)
        {
            _lastSegments.Remove(shard);
            _disputes.Remove(shard.Miner);
            _gone.Remove((shard.Miner, shard.Stage));
        }
    }

    /// <summary>A micro-batch is given out a second time: what was signed for the first time need not fit what is signed for the second.</summary>
    public void NoteRepeated(long number) => Find(number).IsRepeated = true;

    /// <summary>Nothing more will come of a shard: what it ran and has not signed for, now or named later, is forfeited.</summary>
    public WorkFindings Forfeit(ShardKey shard)
    {
        _gone.Add((shard.Miner, shard.Stage));
        var findings = new Findings();
        foreach (var (number, microBatch) in _microBatches.Where(entry => IsNamed(entry.Value, shard.Stage, shard.Miner)).ToArray())
        {
            Forfeit(number, microBatch, shard.Stage, findings);
            Forget(number, microBatch);
        }

        return findings.ToFindings();
    }

    /// <summary>The run is over: what nobody has signed for by now is forfeited.</summary>
    public WorkFindings ForfeitAll()
    {
        var findings = new Findings();
        foreach (var (number, microBatch) in _microBatches.Where(entry => !entry.Value.Pathway.IsDefault).ToArray())
        {
            for (var stage = 0; stage < microBatch.Pathway.Length; stage++)
            {
                Forfeit(number, microBatch, stage, findings);
            }

            Forget(number, microBatch);
        }

        return findings.ToFindings();
    }

    /// <summary>Whether a miner contradicts so many neighbours that it must be the one that sends other bytes than it signs for.</summary>
    /// <inheritdoc cref="DisputeGraph.MustBeWrong" path="/param"/>
    public bool MustBeWrong(string miner, ImmutableArray<ImmutableArray<string>> stages, int mostMiners) => _disputes.MustBeWrong(miner, stages, mostMiners);

    /// <summary>A miner is known to be wrong: nobody is suspected because of it.</summary>
    public void NoteWrong(string miner) => _disputes.NoteWrong(miner);

    private static bool IsNamed(MicroBatch microBatch, int stage, string miner) =>
        !microBatch.Pathway.IsDefault && stage < microBatch.Pathway.Length && microBatch.Pathway[stage] == miner;

    private static void Forfeit(long number, MicroBatch microBatch, int stage, Findings findings)
    {
        if (!microBatch.Confirmed.Contains(stage) && microBatch.Forfeited.Add(stage))
        {
            findings.Forfeited.Add(new ForfeitedPass(number, stage, microBatch.Pathway[stage]));
        }
    }

    private void Confirm(long number, MicroBatch microBatch, int stage, string miner, Findings findings)
    {
        if (!IsNamed(microBatch, stage, miner) || microBatch.Forfeited.Contains(stage)
            || microBatch.PassesOf(stage, miner) is not [var pass, ..] || !microBatch.Confirmed.Add(stage))
        {
            return;
        }

        findings.Passes.Add(new ConfirmedPass(number, stage, miner, pass));
        Compare(number, microBatch, stage - 1, findings);
        Compare(number, microBatch, stage, findings);
    }

    /// <summary>Compares what a stage sent with what the next one got, and the other way round.</summary>
    private void Compare(long number, MicroBatch microBatch, int stage, Findings findings)
    {
        if (stage < 0 || microBatch.IsRepeated || !microBatch.Confirmed.Contains(stage) || !microBatch.Confirmed.Contains(stage + 1))
        {
            return;
        }

        var (one, other) = (microBatch.Pathway[stage], microBatch.Pathway[stage + 1]);
        var got = microBatch.PassesOf(stage + 1, other);
        if (microBatch.PassesOf(stage, one).Any(sent => got.Any(pass => sent.ForwardOutput == pass.ForwardInput && sent.BackwardInput == pass.BackwardOutput)))
        {
            return;
        }

        if (_disputes.Add(one, stage, other))
        {
            findings.Disputes.Add(new Dispute(number, stage, one, other));
        }
    }

    private MicroBatch Find(long number)
    {
        if (!_microBatches.TryGetValue(number, out var microBatch))
        {
            _microBatches.Add(number, microBatch = new MicroBatch());
            if (_microBatches.Count > MostKept)
            {
                _microBatches.Remove(_microBatches.Keys.First());
            }
        }

        return microBatch;
    }

    private void Forget(long number, MicroBatch microBatch)
    {
        if (!microBatch.Pathway.IsDefault && microBatch.Confirmed.Count + microBatch.Forfeited.Count == microBatch.Pathway.Length)
        {
            _microBatches.Remove(number);
        }
    }

    private sealed class MicroBatch
    {
        private readonly Dictionary<(int Stage, string Miner), List<PassClaim>> _passes = [];

        public ImmutableArray<string> Pathway { get; set; }

        public HashSet<int> Confirmed { get; } = [];

        public HashSet<int> Forfeited { get; } = [];

        public bool IsRepeated { get; set; }

        /// <summary>Passes of a miner, the oldest first: who got a micro-batch again, because its gradient was long in coming, runs it again.</summary>
        public List<PassClaim> PassesOf(int stage, string miner) => _passes.GetValueOrDefault((stage, miner)) ?? [];

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

    private sealed class Findings
    {
        public List<ConfirmedPass> Passes { get; } = [];

        public List<ForfeitedPass> Forfeited { get; } = [];

        public List<Dispute> Disputes { get; } = [];

        public long? Unfounded { get; set; }

        public WorkFindings ToFindings() => new([.. Passes], [.. Forfeited], [.. Disputes], Unfounded);
    }
}

/// <summary>What a miner signed for: a micro-batch through its stage and back.</summary>
public sealed record PassClaim
{
    /// <summary>Hash of the activation that came in; zero in the first stage.</summary>
    public UInt128 ForwardInput { get; init; }

    /// <summary>Hash of the activation that went out; zero in the last stage.</summary>
    public UInt128 ForwardOutput { get; init; }

    /// <summary>Hash of the gradient that came in; zero in the last stage.</summary>
    public UInt128 BackwardInput { get; init; }

    /// <summary>Hash of the gradient that went out; zero in the first stage.</summary>
    public UInt128 BackwardOutput { get; init; }

    /// <summary>Optimizer steps of the shard before the forward pass.</summary>
    public long Version { get; init; }

    /// <summary>Time of the forward pass, as the miner says.</summary>
    public int ForwardMicroseconds { get; init; }

    /// <summary>Time of both halves of the backward pass, as the miner says.</summary>
    public int BackwardMicroseconds { get; init; }

    /// <summary>Whether the backward pass is in it.</summary>
    public bool RanBackward { get; init; }

    /// <summary>The signed segment in which it ended.</summary>
    public UInt128 Segment { get; init; }
}

/// <summary>A pass that its miner signed for and that the micro-batch's pathway names it for.</summary>
/// <param name="Number">The micro-batch.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Miner">The miner.</param>
/// <param name="Claim">What it signed for.</param>
public sealed record ConfirmedPass(long Number, int Stage, string Miner, PassClaim Claim);

/// <summary>A pass that the micro-batch's pathway names a miner for, and that the miner was gone before it signed for.</summary>
/// <param name="Number">The micro-batch.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Miner">The miner.</param>
public sealed record ForfeitedPass(long Number, int Stage, string Miner);

/// <summary>Two neighbours wrote down other bytes for what passed between them.</summary>
/// <param name="Number">The micro-batch.</param>
/// <param name="Stage">The earlier stage.</param>
/// <param name="One">Its miner.</param>
/// <param name="Other">The miner of the next stage.</param>
public sealed record Dispute(long Number, int Stage, string One, string Other);

/// <summary>What came of a claim.</summary>
/// <param name="Passes">Passes that count now.</param>
/// <param name="Forfeited">Passes that nobody will be paid for.</param>
/// <param name="Disputes">Contradictions that appeared now.</param>
/// <param name="Unfounded">A micro-batch that was said to be done and is in none of the claimant's segments, or null.</param>
public sealed record WorkFindings(ImmutableArray<ConfirmedPass> Passes, ImmutableArray<ForfeitedPass> Forfeited, ImmutableArray<Dispute> Disputes, long? Unfounded)
{
    /// <summary>Nothing.</summary>
    public static WorkFindings None { get; } = new([], [], [], null);
}
