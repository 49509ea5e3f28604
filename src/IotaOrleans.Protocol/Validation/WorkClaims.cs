using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Brings together what miners say of each other's work. A pass counts when the first stage names the miner in the micro-batch's pathway and the
/// miner has signed for the pass itself; neighbours must have written down the same bytes; and who says that a micro-batch is done must have its
/// passes in its own segments. None of this runs anything again, and all of it is looked at, always.
/// </summary>
/// <remarks>
/// A miner may run a micro-batch twice, because its neighbour refused the first gradient or waited for it too long, and the one that its neighbour
/// went on with may be in a segment that is still open. So what does not fit is a contradiction only when both have said all that they had done by then.
/// Not safe for several threads. Remembers the newest micro-batches only.
/// </remarks>
public sealed class WorkClaims
{
    private const int MostKept = 8192;

    private readonly SortedDictionary<long, MicroBatchClaims> _microBatches = [];
    private readonly Dictionary<(int Stage, string Miner, long Number), PassClaim> _running = [];
    private readonly Dictionary<ShardKey, long> _lastSegments = [];
    private readonly Dictionary<ShardKey, List<(long Number, long Deadline)>> _unproven = [];
    private readonly List<Doubt> _doubts = [];
    private readonly DisputeGraph _disputes = new();
    private readonly HashSet<(string Miner, int Stage)> _gone = [];

    /// <summary>Micro-batches that went all the way and back, and that a miner on their way has still to sign for.</summary>
    public IEnumerable<long> Unsigned => _microBatches.Where(entry => !entry.Value.Pathway.IsDefault && !entry.Value.IsSettled).Select(entry => entry.Key);

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
            var key = (shard.Stage, shard.Miner, op.Number);
            switch (op.Kind)
            {
                case TraceOpKind.Forward:
                    _running[key] = new PassClaim { ForwardInput = op.Input, ForwardOutput = op.Output, Version = version, ForwardMicroseconds = op.Microseconds };
                    break;
                case TraceOpKind.BackwardInput:
                    // The forward pass may be in a segment that was lost: then this one is not paid, but the miner said the truth.
                    if (unproven?.FindIndex(claim => claim.Number == op.Number) is { } proven and >= 0)
                    {
                        unproven.RemoveAt(proven);
                    }

                    if (_running.TryGetValue(key, out var pass))
                    {
                        _running[key] = pass with { BackwardInput = op.Input, BackwardOutput = op.Output, BackwardMicroseconds = op.Microseconds, RanBackward = true };
                    }

                    break;
                case TraceOpKind.BackwardWeights when _running.Remove(key, out var ended) && ended.RanBackward:
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

    /// <summary>All segments of a shard's report were added.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="segments">How many came with the report.</param>
    /// <param name="isLast">Whether the shard has nothing open any longer.</param>
    /// <returns>Contradictions that are certain now.</returns>
    public WorkFindings EndReport(ShardKey shard, int segments, bool isLast = false)
    {
        var findings = new Findings();
        foreach (var doubt in _doubts.Where(doubt => doubt.IsOf(shard)).ToArray())
        {
            if (Agree(doubt))
            {
                End(doubt);
            }
            else if (doubt.NoteReport(shard, segments, isLast))
            {
                End(doubt);
                if (_disputes.Add(doubt.One, doubt.Stage, doubt.Other))
                {
                    findings.Disputes.Add(new Dispute(doubt.Number, doubt.Stage, doubt.One, doubt.Other));
                }
            }
        }

        return findings.ToFindings();
    }

    /// <summary>Passes over what a shard said before: a segment was lost, or it begins anew.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="begins">Whether its segments are counted from zero again.</param>
    public void Forget(ShardKey shard, bool begins)
    {
        _unproven.Remove(shard);
        EndDoubts(doubt => doubt.IsOf(shard));
        foreach (var key in _running.Keys.Where(key => (key.Stage, key.Miner) == (shard.Stage, shard.Miner)).ToArray())
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
        EndDoubts(doubt => doubt.IsOf(shard));
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
    public void NoteWrong(string miner)
    {
        _disputes.NoteWrong(miner);
        EndDoubts(doubt => doubt.One == miner || doubt.Other == miner);
    }

    private static bool IsNamed(MicroBatchClaims microBatch, int stage, string miner) =>
        !microBatch.Pathway.IsDefault && stage < microBatch.Pathway.Length && microBatch.Pathway[stage] == miner;

    private static void Forfeit(long number, MicroBatchClaims microBatch, int stage, Findings findings)
    {
        if (!microBatch.Confirmed.Contains(stage) && microBatch.Forfeited.Add(stage))
        {
            findings.Forfeited.Add(new ForfeitedPass(number, stage, microBatch.Pathway[stage]));
        }
    }

    private void Confirm(long number, MicroBatchClaims microBatch, int stage, string miner, Findings findings)
    {
        if (!IsNamed(microBatch, stage, miner) || microBatch.Forfeited.Contains(stage)
            || microBatch.PassesOf(stage, miner) is not [var pass, ..] || !microBatch.Confirmed.Add(stage))
        {
            return;
        }

        findings.Passes.Add(new ConfirmedPass(number, stage, miner, pass));
        Compare(number, microBatch, stage - 1);
        Compare(number, microBatch, stage);
    }

    /// <summary>Compares what a stage sent with what the next one got, and the other way round.</summary>
    private void Compare(long number, MicroBatchClaims microBatch, int stage)
    {
        if (stage < 0 || microBatch.IsRepeated || !microBatch.Confirmed.Contains(stage) || !microBatch.Confirmed.Contains(stage + 1))
        {
            return;
        }

        var doubt = new Doubt(number, microBatch, stage, microBatch.Pathway[stage], microBatch.Pathway[stage + 1]);
        if (!Agree(doubt))
        {
            microBatch.Doubts++;
            _doubts.Add(doubt);
        }
    }

    /// <summary>Whether some run of the one fits some run of the other.</summary>
    private bool Agree(Doubt doubt)
    {
        var got = RunsOf(doubt, doubt.Stage + 1, doubt.Other).ToArray();
        return RunsOf(doubt, doubt.Stage, doubt.One).Any(sent => got.Any(pass => sent.ForwardOutput == pass.ForwardInput && sent.BackwardInput == pass.BackwardOutput));
    }

    /// <summary>What a miner signed for of a micro-batch; gradients of weights, which nobody sees, may still be owed.</summary>
    private IEnumerable<PassClaim> RunsOf(Doubt doubt, int stage, string miner)
    {
        var ended = doubt.MicroBatch.PassesOf(stage, miner);
        return _running.TryGetValue((stage, miner, doubt.Number), out var running) && running.RanBackward ? ended.Append(running) : ended;
    }

    private void EndDoubts(Func<Doubt, bool> applies)
    {
        foreach (var doubt in _doubts.Where(applies).ToArray())
        {
            End(doubt);
        }
    }

    private void End(Doubt doubt)
    {
        _doubts.Remove(doubt);
        doubt.MicroBatch.Doubts--;
        Forget(doubt.Number, doubt.MicroBatch);
    }

    private MicroBatchClaims Find(long number)
    {
        if (!_microBatches.TryGetValue(number, out var microBatch))
        {
            _microBatches.Add(number, microBatch = new MicroBatchClaims());
            if (_microBatches.Count > MostKept)
            {
                _microBatches.Remove(_microBatches.Keys.First());
            }
        }

        return microBatch;
    }

    private void Forget(long number, MicroBatchClaims microBatch)
    {
        if (!microBatch.Pathway.IsDefault && microBatch.IsSettled && microBatch.Doubts == 0)
        {
            _microBatches.Remove(number);
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
