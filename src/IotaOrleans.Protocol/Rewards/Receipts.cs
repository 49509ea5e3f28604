using System.Collections.Immutable;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Protocol.Rewards;

/// <summary>Turns completed work into receipts.</summary>
public static class Receipts
{
    // A stage has fewer cells than this many bits can count: the number of a cell's receipt is its round and its index.
    private const int CellBits = 20;

    /// <summary>A step of exact mode: the plan says who ran which micro-batch.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="step">The step, from one.</param>
    public static IEnumerable<WorkReceipt> OfStep(TrainingRunSpecification specification, long step)
    {
        var first = MicroBatchNumber.FirstOf(specification, step);
        var epoch = WorkPlan.EpochOf(specification, step);
        for (var stage = 0; stage < specification.Stages.Length; stage++)
        {
            var miners = specification.Miners[stage];
            for (var replica = 0; replica < miners.Length; replica++)
            {
                for (var own = 0; own < ReplicaWork.Count(specification.MicroBatches, miners.Length, replica); own++)
                {
                    yield return Backward(specification, epoch, first + ReplicaWork.MicroBatchOf(own, miners.Length, replica), stage, miners[replica]);
                }
            }
        }
    }

    /// <summary>A micro-batch of elastic mode: its pathway says who ran it.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="epoch">The epoch that is open.</param>
    /// <param name="number">The micro-batch; see <see cref="MicroBatchNumber"/>.</param>
    /// <param name="pathway">A miner of each stage.</param>
    public static IEnumerable<WorkReceipt> OfPathway(TrainingRunSpecification specification, int epoch, long number, ImmutableArray<string> pathway) =>
        pathway.Select((miner, stage) => Backward(specification, epoch, number, stage, miner));

    /// <summary>A micro-batch through a stage and back, as its miner signed for it.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="epoch">The epoch that is open.</param>
    /// <param name="pass">The pass.</param>
    public static IEnumerable<WorkReceipt> OfPass(TrainingRunSpecification specification, int epoch, ConfirmedPass pass)
    {
        var backward = Backward(specification, epoch, pass.Number, pass.Stage, pass.Miner) with { Version = pass.Claim.Version, Segment = pass.Claim.Segment };
        yield return backward with { Kind = ReceiptKind.Forward, Input = pass.Claim.ForwardInput, Output = pass.Claim.ForwardOutput, Microseconds = pass.Claim.ForwardMicroseconds };
        yield return backward with { Input = pass.Claim.BackwardInput, Output = pass.Claim.BackwardOutput, Microseconds = pass.Claim.BackwardMicroseconds };
    }

    /// <summary>A pass whose miner was gone before it signed for it: it is written down, so that every micro-batch is accounted for, and not paid.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="epoch">The epoch that is open.</param>
    /// <param name="pass">The pass.</param>
    public static WorkReceipt OfForfeited(TrainingRunSpecification specification, int epoch, ForfeitedPass pass) =>
        Backward(specification, epoch, pass.Number, pass.Stage, pass.Miner) with { Kind = ReceiptKind.Forfeited };

    /// <summary>The optimizer steps of a segment.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="epoch">The epoch that is open.</param>
    /// <param name="segment">The segment, sealed.</param>
    public static IEnumerable<WorkReceipt> OfSteps(TrainingRunSpecification specification, int epoch, SegmentRecord segment) =>
        segment.Ops.Where(op => op.Kind == TraceOpKind.Update).Select(op => new WorkReceipt
        {
            Run = specification.Run,
            Epoch = epoch,
            Kind = ReceiptKind.Step,
            Number = op.Number,
            Stage = segment.Shard.Stage,
            Miner = segment.Shard.Miner,
            Version = op.Number - 1,
            Output = op.Number == segment.End.LocalSteps ? segment.End.Weights : UInt128.Zero,
            Segment = SegmentHash.Short(segment.Seal!.Hash.AsSpan()),
        });

    /// <summary>The cells of a merge, each reduced by its owners.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="epoch">The epoch that is open.</param>
    /// <param name="merge">The merge.</param>
    /// <param name="copies">The copies that were as it was decided.</param>
    public static IEnumerable<WorkReceipt> OfMerge(TrainingRunSpecification specification, int epoch, MergeId merge, IEnumerable<CellCopy> copies) =>
        copies.Select(copy => new WorkReceipt
        {
            Run = specification.Run,
            Epoch = epoch,
            Kind = ReceiptKind.MergedCell,
            Number = (merge.Round << CellBits) + copy.Cell,
            Stage = merge.Stage,
            Miner = copy.Miner,
            Output = copy.Hash,
            Version = merge.Round,
        });

    private static WorkReceipt Backward(TrainingRunSpecification specification, int epoch, long number, int stage, string miner) => new()
    {
        Run = specification.Run,
        Epoch = epoch,
        Kind = ReceiptKind.Backward,
        Number = number,
        Stage = stage,
        Miner = miner,
        Tokens = (long)specification.MicroBatchSize * specification.ContextLength,
    };
}
