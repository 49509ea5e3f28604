using System.Collections.Immutable;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Validation;

/// <summary>
/// Writes down, on the lane, what a shard does, in segments: each begins and ends with a commitment to the shard's state, and keeps what it
/// worked on until it is known whether it will be checked.
/// </summary>
internal sealed class SegmentRecorder
{
    private readonly ShardKey _shard;
    private readonly StageTrainer _trainer;
    private readonly int _segmentPasses;
    private readonly Evidence _evidence = new();
    private readonly SortedDictionary<long, LivePass> _live = [];
    private readonly Dictionary<long, (UInt128 Hash, int Users)> _versions = [];
    private readonly Dictionary<long, List<UInt128>> _retained = [];
    private readonly List<SegmentRecord> _closed = [];
    private ImmutableArray<TraceOp>.Builder _ops = ImmutableArray.CreateBuilder<TraceOp>();
    private List<UInt128> _needed = [];
    private ImmutableArray<LivePassClaim> _liveAtStart = [];
    private StateCommitment? _start;
    private long _index;
    private long _version;
    private long _committedVersion;
    private int _passes;

    public SegmentRecorder(ShardKey shard, StageTrainer trainer, ValidationSettings settings)
    {
        (_shard, _trainer, _segmentPasses) = (shard, trainer, settings.SegmentPasses);
        Enabled = settings.Rate > 0;
    }

    /// <summary>Whether anything is written down at all.</summary>
    public bool Enabled { get; }

    /// <summary>Bytes that are kept for checks.</summary>
    public long KeptBytes => _evidence.Bytes;

    /// <summary>Begins, with whatever state the stage is in.</summary>
    public void Begin(long localSteps)
    {
        if (!Enabled)
        {
            return;
        }

        _version++;
        _start = Commit(localSteps);
    }

    public void NoteForward(long number, ReadOnlySpan<byte> input, ReadOnlySpan<byte> output, float loss, TimeSpan elapsed)
    {
        if (!Enabled)
        {
            return;
        }

        var hash = Need(_evidence.Keep(input));
        _live[number] = new LivePass { ForwardVersion = _version, Input = hash };
        _ops.Add(new TraceOp(TraceOpKind.Forward, number, hash, EvidenceHash.Of(output), Loss: loss, Microseconds: (int)elapsed.TotalMicroseconds));
    }

    public void NoteBackwardInput(long number, ReadOnlySpan<byte> gradient, ReadOnlySpan<byte> output, TimeSpan elapsed)
    {
        if (!Enabled)
        {
            return;
        }

        var pass = _live[number];
        var hash = Need(_evidence.Keep(gradient));
        (pass.BackwardVersion, pass.Gradient) = (_version, hash);
        _ops.Add(new TraceOp(TraceOpKind.BackwardInput, number, hash, EvidenceHash.Of(output), Microseconds: (int)elapsed.TotalMicroseconds));
    }

    public void NoteBackwardWeights(long number, TimeSpan elapsed)
    {
        if (!Enabled)
        {
            return;
        }

        if (_live.Remove(number, out var pass))
        {
            Forget(pass.ForwardVersion);
            Forget(pass.BackwardVersion);
        }

        _passes++;
        _ops.Add(new TraceOp(TraceOpKind.BackwardWeights, number, Microseconds: (int)elapsed.TotalMicroseconds));
    }

    /// <summary>Before the weights change: those that passes under way ran on are kept.</summary>
    public void BeforeChange()
    {
        if (!Enabled)
        {
            return;
        }

        var users = _live.Values.Count(pass => pass.ForwardVersion == _version) + _live.Values.Count(pass => pass.BackwardVersion == _version);
        if (users > 0)
        {
            // Mostly it is the version that the segment began with, whose hash is known.
            var hash = _version == _committedVersion ? _evidence.KeepAgain(_start!.Weights) : _evidence.Keep(_trainer.Parameters.Values);
            _versions[_version] = (hash, users);
        }
    }

    /// <summary>After an optimizer step; a segment that is long enough ends here.</summary>
    public void NoteUpdate(long localSteps, long newestStep)
    {
        if (!Enabled)
        {
            return;
        }

        _version++;
        _ops.Add(new TraceOp(TraceOpKind.Update, localSteps, Step: newestStep));
        if (_passes >= _segmentPasses)
        {
            Close(localSteps);
        }
    }

    public void NoteCut(long round)
    {
        if (Enabled)
        {
            _ops.Add(new TraceOp(TraceOpKind.Cut, round, Output: EvidenceHash.Of(_trainer.Parameters.Values)));
        }
    }

    /// <summary>After a merged version was taken over.</summary>
    /// <param name="round">The round.</param>
    /// <param name="since">The weights that what was learnt is counted from.</param>
    /// <param name="merged">The merged weights.</param>
    /// <param name="leftOut">What the update had left out; often nothing.</param>
    public void NoteMerge(long round, ReadOnlySpan<float> since, ReadOnlySpan<float> merged, ReadOnlySpan<float> leftOut)
    {
        if (!Enabled)
        {
            return;
        }

        _version++;
        _ops.Add(new TraceOp(TraceOpKind.Merge, round, Need(_evidence.Keep(since)), Need(_evidence.Keep(merged)), LeftOut: Need(_evidence.Keep(leftOut))));
    }

    /// <summary>After another version was fetched: weights and moments are others than they were.</summary>
    public void NoteFetch(long round)
    {
        if (!Enabled)
        {
            return;
        }

        _version++;
        _ops.Add(new TraceOp(
            TraceOpKind.Fetch, round, Need(_evidence.Keep(_trainer.Parameters.Values)), Need(_evidence.Keep(_trainer.Optimizer.FirstMoment)), LeftOut: Need(_evidence.Keep(_trainer.Optimizer.SecondMoment))));
    }

    /// <summary>Whether segments ended that nobody was told of.</summary>
    public bool HasClosed => _closed.Count > 0;

    /// <summary>Ends the open segment, however short it is. Another one can follow when no gradients have accumulated.</summary>
    public void Finish(long localSteps)
    {
        if (_ops.Count > 0)
        {
            // Passes under way ran on the weights of this very version as well.
            BeforeChange();
            _version++;
            Close(localSteps);
        }
    }

    /// <summary>The segments that ended since the last call. What they worked on is kept until <see cref="Settle"/> or <see cref="Done"/>.</summary>
    public ImmutableArray<SegmentRecord> TakeClosed()
    {
        ImmutableArray<SegmentRecord> closed = [.. _closed];
        _closed.Clear();
        return closed;
    }

    /// <summary>Lets go of segments that are not checked.</summary>
    public void Settle(IEnumerable<long> segments, ImmutableArray<long> audited)
    {
        foreach (var segment in segments.Except(audited))
        {
            Done(segment);
        }
    }

    /// <summary>Lets go of a segment.</summary>
    public void Done(long segment)
    {
        if (_retained.Remove(segment, out var hashes))
        {
            Release(hashes);
        }
    }

    /// <summary>Part of what a segment worked on; empty when it is not here.</summary>
    public ReadOnlyMemory<byte> Read(UInt128 hash, long offset, int count)
    {
        var bytes = _evidence.Find(hash);
        var start = (int)Math.Min(offset, bytes.Length);
        return bytes.Slice(start, Math.Min(count, bytes.Length - start)).ToArray();
    }

    private void Close(long localSteps)
    {
        // Weights of passes that are still under way are those of versions that are gone: they were kept when they went.
        ImmutableArray<LivePassClaim> live =
        [
            .. _live.Select(entry => new LivePassClaim(entry.Key, HashOf(entry.Value.ForwardVersion), entry.Value.Input, HashOf(entry.Value.BackwardVersion), entry.Value.Gradient)),
        ];
        var needed = _needed;
        _needed = [];
        var end = Commit(localSteps);
        foreach (var claim in live)
        {
            Need(_evidence.KeepAgain(claim.ForwardWeights));
            Need(_evidence.KeepAgain(claim.Input));
            Need(_evidence.KeepAgain(claim.BackwardWeights));
            Need(_evidence.KeepAgain(claim.Gradient));
        }

        _closed.Add(new SegmentRecord
        {
            Shard = _shard,
            Index = _index,
            Start = _start!,
            End = end,
            LiveAtStart = _liveAtStart,
            LiveAtEnd = live,
            Ops = _ops.ToImmutable(),
        });
        _retained.Add(_index++, needed);
        _ops = ImmutableArray.CreateBuilder<TraceOp>(_ops.Count);
        (_start, _liveAtStart, _passes) = (end, live, 0);
    }

    private StateCommitment Commit(long localSteps)
    {
        _committedVersion = _version;
        return new StateCommitment(
            Need(_evidence.Keep(_trainer.Parameters.Values)), Need(_evidence.Keep(_trainer.Optimizer.FirstMoment)), Need(_evidence.Keep(_trainer.Optimizer.SecondMoment)), localSteps);
    }

    private UInt128 HashOf(long version) => version == 0 ? UInt128.Zero : _versions[version].Hash;

    private void Forget(long version)
    {
        if (_versions.TryGetValue(version, out var kept))
        {
            _versions[version] = kept with { Users = kept.Users - 1 };
            if (kept.Users == 1)
            {
                _versions.Remove(version);
                _evidence.Release(kept.Hash);
            }
        }
    }

    /// <summary>Notes that the open segment needs bytes; one release belongs to each note.</summary>
    private UInt128 Need(UInt128 hash)
    {
        if (hash != UInt128.Zero)
        {
            _needed.Add(hash);
        }

        return hash;
    }

    private void Release(IEnumerable<UInt128> hashes)
    {
        foreach (var hash in hashes)
        {
            _evidence.Release(hash);
        }
    }

    private sealed class LivePass
    {
        public required long ForwardVersion { get; init; }

        public required UInt128 Input { get; init; }

        /// <summary>Zero before the first half of the backward pass.</summary>
        public long BackwardVersion { get; set; }

        public UInt128 Gradient { get; set; }
    }
}
