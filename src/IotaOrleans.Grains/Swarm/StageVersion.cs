using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Training.Optimizers;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// The version of a stage that its replicas agreed on last, beside the weights that this one trains: evaluations, checkpoints and
/// joining miners see the agreed one. A merge proposes the next version, and it is taken over when all have proposed the same. Used on
/// the lane.
/// </summary>
internal sealed class StageVersion
{
    private readonly StageTrainer _trainer;
    private readonly SegmentRecorder _recorder;
    private readonly float[] _hidden;
    private readonly float[] _atCut;
    private readonly float[] _velocityBefore;
    private readonly OuterNesterov _outer;
    private float[] _weights;
    private float[] _proposed;
    private long _cutRound;
    private long _proposedRound;
    private UInt128 _proposedHash;

    public StageVersion(StageTrainer trainer, OuterSettings outer, SegmentRecorder recorder)
    {
        (_trainer, _recorder) = (trainer, recorder);
        _weights = trainer.Parameters.Values.ToArray();
        _proposed = new float[_weights.Length];
        _hidden = new float[_weights.Length];
        _atCut = new float[_weights.Length];
        _velocityBefore = new float[_weights.Length];
        _outer = new OuterNesterov(outer, _weights.Length);
    }

    /// <summary>Which version it is.</summary>
    public StageVersionName Name { get; private set; } = new(0, null);

    /// <summary>Values in the stage's flat vector.</summary>
    public int Length => _weights.Length;

    /// <summary>The running sum of merged pseudo-gradients that belongs to it.</summary>
    public Span<float> Velocity => _outer.Velocity;

    /// <summary>Puts the agreed weights into the stage until the result is disposed.</summary>
    public IDisposable Show()
    {
        _trainer.Parameters.Values.CopyTo(_hidden);
        _weights.CopyTo(_trainer.Parameters.Values);
        return new Showing(this);
    }

    /// <summary>Computes what was learnt since the last version: start − local.</summary>
    public void Cut(long round, Span<float> pseudoGradient)
    {
        _trainer.Parameters.Values.CopyTo(_atCut);
        PseudoGradient.Compute(_weights, _atCut, pseudoGradient);
        _cutRound = round;
        _recorder.NoteCut(round);
    }

    /// <summary>Computes the version that follows from a merged pseudo-gradient.</summary>
    /// <param name="round">The round.</param>
    /// <param name="pseudoGradient">The merged one.</param>
    /// <param name="cells">Cells that were decided; all others keep the last version.</param>
    /// <param name="contributors">Replicas that merged. What a single one learnt is not an average of opinions: it is taken as it is.</param>
    /// <returns>Hash of the proposed weights and velocity.</returns>
    public UInt128 Propose(long round, ReadOnlySpan<float> pseudoGradient, IEnumerable<MergeCell> cells, int contributors)
    {
        _weights.CopyTo(_proposed, 0);
        _outer.Velocity.CopyTo(_velocityBefore);
        foreach (var cell in cells)
        {
            var (first, count) = (checked((int)cell.Start), checked((int)cell.Length));
            var values = _proposed.AsSpan(first, count);
            if (contributors == 1)
            {
                Subtract(values, pseudoGradient.Slice(first, count));
            }
            else
            {
                _outer.Step(values, pseudoGradient.Slice(first, count), round, first);
            }
        }

        _proposedRound = round;
        return _proposedHash = Hash(_proposed, _outer.Velocity);
    }

    /// <summary>
    /// Takes the proposed version over: training goes on from it, with what was learnt since the cut on top, and what the update left out.
    /// When the replicas did not agree, the last version stays, and what was learnt goes into the next merge.
    /// </summary>
    /// <param name="round">The round.</param>
    /// <param name="agreed">Whether all replicas proposed the same.</param>
    /// <param name="leftOut">The part of the pseudo-gradient that was not sent; empty when all of it was.</param>
    public void Commit(long round, bool agreed, ReadOnlySpan<float> leftOut)
    {
        if (_proposedRound != round)
        {
            return;
        }

        _proposedRound = 0;
        if (!agreed)
        {
            _velocityBefore.CopyTo(_outer.Velocity);
            return;
        }

        var since = _cutRound == round ? _atCut : _weights;
        var kept = _cutRound == round ? leftOut : [];
        _recorder.BeforeChange();
        TakeOver(_trainer.Parameters.Values, since, _proposed, kept);
        _recorder.NoteMerge(round, since, _proposed, kept);

        (_weights, _proposed) = (_proposed, _weights);
        Name = new StageVersionName(round, _proposedHash);
    }

    /// <summary>Goes on from a merged version with what was learnt since the cut on top, and what the update left out.</summary>
    public static void TakeOver(Span<float> values, ReadOnlySpan<float> since, ReadOnlySpan<float> merged, ReadOnlySpan<float> leftOut)
    {
        Subtract(values, since);
        Add(values, merged);
        if (!leftOut.IsEmpty)
        {
            Subtract(values, leftOut);
        }
    }

    /// <summary>Copies part of a vector of the version.</summary>
    public ReadOnlyMemory<byte> Read(VersionSection section, long offset, int count)
    {
        var bytes = MemoryMarshal.AsBytes(Section(section));
        var start = (int)Math.Min(offset, bytes.Length);
        return bytes.Slice(start, Math.Min(count, bytes.Length - start)).ToArray();
    }

    /// <summary>Begins or goes on from a version that was fetched.</summary>
    /// <returns>Whether its hash is the right one; otherwise nothing has changed.</returns>
    public bool TryReplace(StageVersionName name, Func<VersionSection, float[]> fetched)
    {
        var (weights, velocity) = (fetched(VersionSection.Weights), fetched(VersionSection.Velocity));
        if (name.Hash is { } hash && Hash(weights, velocity) != hash)
        {
            return false;
        }

        _recorder.BeforeChange();
        weights.CopyTo(_weights, 0);
        weights.CopyTo(_trainer.Parameters.Values);
        velocity.CopyTo(_outer.Velocity);
        fetched(VersionSection.FirstMoment).CopyTo(_trainer.Optimizer.FirstMoment);
        fetched(VersionSection.SecondMoment).CopyTo(_trainer.Optimizer.SecondMoment);
        (_cutRound, _proposedRound, Name) = (0, 0, name);
        _recorder.NoteFetch(name.Round);
        return true;
    }

    private Span<float> Section(VersionSection section) => section switch
    {
        VersionSection.Weights => _weights,
        VersionSection.Velocity => _outer.Velocity,
        VersionSection.FirstMoment => _trainer.Optimizer.FirstMoment,
        VersionSection.SecondMoment => _trainer.Optimizer.SecondMoment,
        _ => throw new ArgumentOutOfRangeException(nameof(section), section, "unknown section"),
    };

    private static UInt128 Hash(ReadOnlySpan<float> weights, ReadOnlySpan<float> velocity)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(weights));
        hash.AppendData(MemoryMarshal.AsBytes(velocity));
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(bytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }

    private static void Add(Span<float> values, ReadOnlySpan<float> other)
    {
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(values[i..]) + new Vector<float>(other[i..])).CopyTo(values[i..]);
        }

        for (; i < values.Length; i++)
        {
            values[i] += other[i];
        }
    }

    private static void Subtract(Span<float> values, ReadOnlySpan<float> other) => PseudoGradient.Compute(values, other, values);

    private sealed class Showing(StageVersion version) : IDisposable
    {
        public void Dispose() => version._hidden.CopyTo(version._trainer.Parameters.Values);
    }
}
