using System.Runtime.InteropServices;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;

namespace IotaOrleans.Grains.Shards;

/// <summary>
/// Adds the gradients of a stage's replicas up: each replica sums the pieces that it owns, always in replica order, so that all of them
/// hold the same bits whatever arrives first. Runs on the lane.
/// </summary>
/// <param name="stage">The stage.</param>
/// <param name="replica">Which of its miners this one is.</param>
/// <param name="pieces">The pieces of the gradient.</param>
/// <param name="parameters">The stage's parameters.</param>
/// <param name="frames">The shard's frames.</param>
internal sealed class ReplicaGradients(int stage, int replica, GradientPieces pieces, StageParameters parameters, ShardFrames frames)
{
    private IEnumerable<int> Others => Enumerable.Range(0, pieces.Replicas).Where(other => other != replica);

    /// <summary>Whether the other replicas' parts of the own piece of a round are there.</summary>
    public bool PartsArrived(WorkOrder order, int round)
    {
        var piece = pieces.PieceOf(round, replica);
        return Others.All(other => frames.Arrived(FrameKind.GradientPart, order, pieces.PartOf(piece, other)));
    }

    /// <summary>Whether the other replicas' sums of a round are there.</summary>
    public bool SumsArrived(WorkOrder order, int round) => Others.All(owner => frames.Arrived(FrameKind.GradientSum, order, pieces.PieceOf(round, owner)));

    /// <summary>Sends to each other replica the own part of the piece that it adds up in a round.</summary>
    public void Share(WorkOrder order, int round)
    {
        foreach (var owner in Others)
        {
            var piece = pieces.PieceOf(round, owner);
            frames.Send(stage, owner, Copy(FrameKind.GradientPart, order, pieces.PartOf(piece, replica), Gradient(piece)));
        }
    }

    /// <summary>Adds up the own piece of a round and sends the sum to the others.</summary>
    public void Reduce(WorkOrder order, int round)
    {
        var piece = pieces.PieceOf(round, replica);
        var own = Gradient(piece);
        using (var sum = Rent(FrameKind.GradientSum, order, piece, own.Length))
        {
            for (var index = 0; index < pieces.Replicas; index++)
            {
                using var part = index == replica ? null : frames.Take(FrameKind.GradientPart, order, pieces.PartOf(piece, index));
                var values = part is null ? own : Values(part);
                if (index == 0)
                {
                    values.CopyTo(Values(sum));
                }
                else
                {
                    GradientSum.Add(Values(sum), values);
                }
            }

            Values(sum).CopyTo(own);
        }

        foreach (var other in Others)
        {
            frames.Send(stage, other, Copy(FrameKind.GradientSum, order, piece, own));
        }
    }

    /// <summary>Takes over the sums of the pieces that the others added up in a round.</summary>
    public void Take(WorkOrder order, int round)
    {
        foreach (var owner in Others)
        {
            var piece = pieces.PieceOf(round, owner);
            using var sum = frames.Take(FrameKind.GradientSum, order, piece);
            Values(sum).CopyTo(Gradient(piece));
        }
    }

    private static Span<float> Values(TensorFrame frame) => MemoryMarshal.Cast<byte, float>(frame.Payload.Span);

    private Span<float> Gradient(int piece) => parameters.Gradients[pieces.Of(piece)];

    private TensorFrame Copy(FrameKind kind, WorkOrder order, int index, ReadOnlySpan<float> values)
    {
        var frame = Rent(kind, order, index, values.Length);
        values.CopyTo(Values(frame));
        return frame;
    }

    private TensorFrame Rent(FrameKind kind, WorkOrder order, int index, int length) => frames.Rent(kind, order, index, TensorElementType.Float32, [length], []);
}
