using System.Diagnostics;
using System.Runtime.InteropServices;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Grains.Swarm;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Validation;

/// <summary>
/// Does a segment again, from the committed state and the bytes that came in, and compares everything that went out and the state at the end,
/// bit for bit: the same weights, input and library give the same bits on the same kind of machine. Runs on a lane.
/// </summary>
/// <param name="assignment">The shard's place in the run.</param>
/// <param name="segment">What was handed in.</param>
/// <param name="evidence">The bytes behind its hashes, which have been compared with them.</param>
/// <param name="tokens">Tokens and targets of a micro-batch; none for a stage that reads none.</param>
internal sealed class SegmentReplay(ShardAssignment assignment, SegmentRecord segment, IReadOnlyDictionary<UInt128, ReadOnlyMemory<byte>> evidence, Func<long, (long[] Tokens, long[] Targets)> tokens)
{
    private readonly Dictionary<long, LivePassClaim> _live = [];
    private readonly HashSet<long> _liveAtEnd = [.. segment.LiveAtEnd.Select(claim => claim.Number)];
    private readonly Dictionary<long, UInt128> _cuts = [];
    private int _accumulated;
    private long _localSteps = segment.Start.LocalSteps;

    /// <summary>Passes of the segment that were run again, without those that only bring back what was under way at its beginning.</summary>
    public int Passes { get; private set; }

    private TrainingRunSpecification Specification => assignment.Specification;

    private bool IsFirst => assignment.Stage == 0;

    private bool IsLast => assignment.Stage == Specification.Stages.Length - 1;

    /// <summary>Does it again with a stage of its own, and judges.</summary>
    public AuditVerdict Judge()
    {
        var start = Stopwatch.GetTimestamp();
        string? objection;
        try
        {
            using var trainer = new StageTrainer(Specification.Model, Specification.Stages[assignment.Stage], Specification.Optimizer, Specification.Recompute, Specification.WireFormat);
            objection = Run(trainer);
        }
        catch (Exception failure) when (failure is IotaException or ArgumentException or InvalidOperationException or OverflowException or KeyNotFoundException)
        {
            // Whatever makes a replay fail was handed in.
            objection = $"what it handed in cannot be done again: {failure.Message.ReplaceLineEndings(" ")}";
        }

        return new AuditVerdict(
            segment.Shard, segment.Index, objection is null ? AuditOutcome.Passed : AuditOutcome.Wrong, objection ?? "came out as it was handed in", Passes, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>What came out differently, in one sentence, or null when nothing did.</summary>
    public string? Run(StageTrainer trainer)
    {
        foreach (var claim in segment.LiveAtStart)
        {
            Restore(trainer, claim);
        }

        Load(segment.Start.Weights, trainer.Parameters.Values);
        Load(segment.Start.FirstMoment, trainer.Optimizer.FirstMoment);
        Load(segment.Start.SecondMoment, trainer.Optimizer.SecondMoment);
        trainer.Parameters.Gradients.Clear();
        foreach (var op in segment.Ops)
        {
            if (Replay(trainer, op) is { } objection)
            {
                return objection;
            }
        }

        return Compare(trainer);
    }

    /// <summary>Runs the passes again that were under way, each on the weights that it ran on; what they gave was compared in the segment before.</summary>
    private void Restore(StageTrainer trainer, LivePassClaim claim)
    {
        Load(claim.ForwardWeights, trainer.Parameters.Values);
        Forward(trainer, claim.Number, claim.Input);
        if (claim.BackwardWeights != UInt128.Zero)
        {
            Load(claim.BackwardWeights, trainer.Parameters.Values);
            BackwardInput(trainer, claim.Number, claim.Gradient);
        }

        _live[claim.Number] = claim;
        Passes = 0;
    }

    private string? Replay(StageTrainer trainer, TraceOp op)
    {
        switch (op.Kind)
        {
            case TraceOpKind.Forward:
                var (output, loss) = Forward(trainer, op.Number, op.Input);
                _live[op.Number] = new LivePassClaim(op.Number, WeightsIfNeeded(trainer, op.Number), op.Input, UInt128.Zero, UInt128.Zero);
                return EvidenceHash.Of(output) != op.Output ? $"the activation of micro-batch {op.Number} is not what its input and weights give"
                    : BitConverter.SingleToInt32Bits(loss) != BitConverter.SingleToInt32Bits(op.Loss) && IsLast ? $"the loss of micro-batch {op.Number} is {loss:0.0000}, not {op.Loss:0.0000}"
                    : null;
            case TraceOpKind.BackwardInput:
                if (!_live.TryGetValue(op.Number, out var pass))
                {
                    return $"micro-batch {op.Number} was not run forward";
                }

                var gradient = BackwardInput(trainer, op.Number, op.Input);
                _live[op.Number] = pass with { BackwardWeights = WeightsIfNeeded(trainer, op.Number), Gradient = op.Input };
                return EvidenceHash.Of(gradient) != op.Output ? $"the gradient by the input of micro-batch {op.Number} is not what its passes give" : null;
            case TraceOpKind.BackwardWeights:
                if (!_live.Remove(op.Number))
                {
                    return $"micro-batch {op.Number} was not run forward";
                }

                trainer.BackwardWeights(op.Number);
                _accumulated++;
                return null;
            case TraceOpKind.Update:
                return Update(trainer, op);
            case TraceOpKind.Cut:
                _cuts[op.Number] = op.Output;
                return EvidenceHash.Of(trainer.Parameters.Values) != op.Output ? $"the weights that went into merge {op.Number} are not those that were trained" : null;
            case TraceOpKind.Merge:
                return Merge(trainer, op);
            case TraceOpKind.Fetch:
                Load(op.Input, trainer.Parameters.Values);
                Load(op.Output, trainer.Optimizer.FirstMoment);
                Load(op.LeftOut, trainer.Optimizer.SecondMoment);
                return null;
            default:
                return $"'{op.Kind}' is nothing that a shard does";
        }
    }

    private (byte[] Output, float Loss) Forward(StageTrainer trainer, long number, UInt128 input)
    {
        Passes++;
        var (ids, targets) = tokens(number);
        var output = IsLast ? [] : new byte[WireBytes(FrameKind.Activation)];
        var loss = trainer.Forward(number, new StageInput { Tokens = ids, Targets = targets, Activation = Bytes(input) }, Specification.ContextLength, output);
        return (output, loss);
    }

    private byte[] BackwardInput(StageTrainer trainer, long number, UInt128 gradient)
    {
        Passes++;
        var output = IsFirst ? [] : new byte[WireBytes(FrameKind.Gradient)];
        trainer.BackwardInput(number, Bytes(gradient), 1f / Specification.MicroBatches, output);
        return output;
    }

    private string? Update(StageTrainer trainer, TraceOp op)
    {
        if (_accumulated == 0 || op.Number != _localSteps + 1 || op.Step < 1 || op.Step > Specification.Steps)
        {
            return $"step {op.Number} of the shard could not be taken there";
        }

        LocalStep.Take(trainer, Specification, _accumulated, op.Number, op.Step);
        (_localSteps, _accumulated) = (op.Number, 0);
        return null;
    }

    private string? Merge(StageTrainer trainer, TraceOp op)
    {
        if (_cuts.TryGetValue(op.Number, out var cut) && cut != op.Input)
        {
            return $"merge {op.Number} was taken over as if other weights had gone into it";
        }

        StageVersion.TakeOver(trainer.Parameters.Values, Floats(op.Input), Floats(op.Output), Floats(op.LeftOut));
        return null;
    }

    private string? Compare(StageTrainer trainer)
    {
        if (_localSteps != segment.End.LocalSteps
            || EvidenceHash.Of(trainer.Parameters.Values) != segment.End.Weights
            || EvidenceHash.Of(trainer.Optimizer.FirstMoment) != segment.End.FirstMoment
            || EvidenceHash.Of(trainer.Optimizer.SecondMoment) != segment.End.SecondMoment)
        {
            return "the weights at the end are not what its gradients and optimizer steps give";
        }

        return _live.Values.OrderBy(claim => claim.Number).SequenceEqual(segment.LiveAtEnd.OrderBy(claim => claim.Number)) ? null : "other micro-batches are under way at the end than were said to be";
    }

    private UInt128 WeightsIfNeeded(StageTrainer trainer, long number) => _liveAtEnd.Contains(number) ? EvidenceHash.Of(trainer.Parameters.Values) : UInt128.Zero;

    private int WireBytes(FrameKind kind) =>
        Specification.MicroBatchSize * Specification.ContextLength * WireTensor.RowByteCount(Specification.WireFormat, Boundaries.Width(assignment, kind));

    private ReadOnlySpan<byte> Bytes(UInt128 hash) => hash == UInt128.Zero ? [] : evidence[hash].Span;

    private ReadOnlySpan<float> Floats(UInt128 hash) => MemoryMarshal.Cast<byte, float>(Bytes(hash));

    private void Load(UInt128 hash, Span<float> values) => Floats(hash).CopyTo(values);
}
