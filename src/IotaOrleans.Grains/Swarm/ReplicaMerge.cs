using System.Collections.Immutable;
using IotaOrleans.Grains.Adversaries;
using IotaOrleans.Protocol.Merging;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// One replica's part in the merges of its stage. Cells travel straight between the replicas; the control side sees hashes only. What
/// computes runs on the lane, in pieces, between the passes of training.
/// </summary>
internal sealed class ReplicaMerge(ShardKey shard, ShardAssignment assignment, StageVersion version, SwarmPasses passes, SwarmFrames frames, MergeExchange exchange, Conduct conduct, ILane lane)
{
    private readonly UpdateCodec _codec = UpdateCodec.For(assignment.Specification.Swarm.UpdateFormat);
    private readonly UpdateCodec _resultCodec = ResultCodec(assignment.Specification.Swarm.UpdateFormat);
    // What an update leaves out stays in the replica's own weights, so that the next update contains it: nothing has to be added to that.
    private readonly ErrorFeedback? _feedback = assignment.Specification.Swarm.UpdateFormat == UpdateFormat.TopK ? new ErrorFeedback(version.Length, decay: 0) : null;
    private readonly float[] _update = new float[version.Length];
    private readonly byte[] _encoded = new byte[UpdateCodec.For(assignment.Specification.Swarm.UpdateFormat).ByteCount(version.Length)];
    private readonly Dictionary<int, (float[] Values, UInt128 Hash)> _reduced = [];
    private long _round;
    private long _work;

    /// <summary>Sets the update aside.</summary>
    public Task<UpdateReport> CutAsync(long round, bool last) => lane.RunAsync(() =>
    {
        if (last)
        {
            passes.Flush();
        }

        if (_round != round)
        {
            _reduced.Clear();
            (_round, _work) = (round, passes.WorkSinceMerge);
            version.Cut(round, _update);
            if (_feedback is null)
            {
                _codec.Encode(_update, _encoded);
            }
            else
            {
                _feedback.Encode(_codec, _update, _encoded);
            }
        }

        return new UpdateReport(_work, Norm(_update), version.Length);
    });

    /// <summary>Waits no longer for the cells of a replica that is gone.</summary>
    public void LosePeer(long round, string miner) => exchange.Lose(round, miner);

    /// <summary>Sends the update's cells to their owners and reduces the own ones.</summary>
    public async Task<ImmutableArray<CellCopy>> ReduceAsync(MergeOrder order)
    {
        foreach (var cell in order.Cells.Where(cell => cell.Length > 0))
        {
            foreach (var owner in cell.Owners.Where(owner => owner != shard.Miner))
            {
                SendUpdate(order.Round, cell, owner);
            }
        }

        var own = order.Cells.Where(cell => cell.Length > 0 && cell.Owners.Contains(shard.Miner)).ToArray();
        var copies = ImmutableArray.CreateBuilder<CellCopy>(own.Length);
        await exchange.WaitAsync(own.SelectMany(cell => Contributions(order, cell)), order.Patience);
        foreach (var cell in own)
        {
            copies.Add(await lane.RunAsync(() => Reduce(order, cell)));
        }

        return copies.ToImmutable();
    }

    /// <summary>Sends a cell of the update to an arbiter.</summary>
    public void SendCell(MergeOrder order, int cell, string arbiter)
    {
        if (arbiter != shard.Miner)
        {
            SendUpdate(order.Round, order.Cells[cell], arbiter);
        }
    }

    /// <summary>Reduces a cell that others own.</summary>
    public async Task<CellCopy> ArbitrateAsync(MergeOrder order, int cell)
    {
        await exchange.WaitAsync(Contributions(order, order.Cells[cell]), order.Patience);
        return await lane.RunAsync(() => Reduce(order, order.Cells[cell]));
    }

    /// <summary>Sends the own copies that others need, waits for those that it needs itself, and proposes the version that follows.</summary>
    /// <returns>The version's hash, or null when cells did not come or were wrong.</returns>
    public async Task<UInt128?> AssembleAsync(AssemblyOrder order)
    {
        foreach (var delivery in order.Deliveries.Where(delivery => delivery.Sender == shard.Miner))
        {
            if (_reduced.TryGetValue(delivery.Cell, out var copy))
            {
                SendMerged(order.Round, delivery, copy.Values);
            }
        }

        var needed = order.Deliveries.Where(delivery => delivery.Receiver == shard.Miner).ToDictionary(delivery => delivery.Cell, delivery => delivery.Sender);
        await exchange.WaitAsync(needed.Select(entry => new CellKey(FrameKind.MergedCell, order.Round, entry.Key, entry.Value)), order.Patience);
        return await lane.RunAsync<UInt128?>(() =>
        {
            var merged = new float[version.Length];
            return StageAssembler.Assemble(order.Cells, order.Decisions, cell => ValuesOf(order, order.Cells[cell], needed), merged).IsEmpty
                ? version.Propose(order.Round, merged, order.Cells.Where(cell => cell.Length > 0 && !order.Decisions[cell.Index].IsGap), order.Contributors)
                : null;
        });
    }

    /// <summary>Takes the proposed version over, or returns to the last one.</summary>
    public Task CommitAsync(long round, bool agreed) => lane.RunAsync(() =>
    {
        version.Commit(round, agreed, _feedback is null ? [] : _feedback.Residual);
        if (_round == round)
        {
            if (agreed)
            {
                passes.WorkSinceMerge -= _work;
            }

            _reduced.Clear();
        }

        exchange.Forget(round);
        return true;
    });

    /// <summary>
    /// Merged cells are dense where the updates were sparse; in formats with an error feedback every replica reduces all cells itself, and
    /// none is sent.
    /// </summary>
    private static UpdateCodec ResultCodec(UpdateFormat format) => UpdateCodec.For(format == UpdateFormat.Int8 ? UpdateFormat.BFloat16 : format == UpdateFormat.TopK ? UpdateFormat.Float32 : format);

    private static double Norm(ReadOnlySpan<float> values) => Math.Sqrt(Training.Optimizers.GradientNorm.SumOfSquares(values));

    private IEnumerable<CellKey> Contributions(MergeOrder order, MergeCell cell) =>
        order.Miners.Where(miner => miner != shard.Miner).Select(miner => new CellKey(FrameKind.Update, order.Round, cell.Index, miner));

    private CellCopy Reduce(MergeOrder order, MergeCell cell)
    {
        if (!_reduced.TryGetValue(cell.Index, out var copy))
        {
            var contributions = order.Miners.Select(miner => Contribution(order.Round, cell, miner)).ToArray();
            var result = new float[cell.Length];
            CellReducer.Reduce(contributions, order.Weights.AsSpan(), order.Norms.AsSpan(), order.Settings, result);
            conduct.AfterReduce(result);
            // What is sent is rounded to its format; whoever reduced it must have the same bits.
            var bytes = new byte[_resultCodec.ByteCount(cell.Length)];
            _resultCodec.Encode(result, bytes);
            _resultCodec.Decode(bytes, result);
            _reduced[cell.Index] = copy = (result, CopyHash.Of(result));
        }

        return new CellCopy(cell.Index, shard.Miner, copy.Hash);
    }

    private ReadOnlyMemory<float> Contribution(long round, MergeCell cell, string miner)
    {
        var values = new float[cell.Length];
        if (miner == shard.Miner)
        {
            _codec.Decode(EncodedCell(cell), values);
            return values;
        }

        using var frame = exchange.Take(new CellKey(FrameKind.Update, round, cell.Index, miner));
        if (frame is null || frame.Payload.Length != _codec.ByteCount(cell.Length))
        {
            return ReadOnlyMemory<float>.Empty;
        }

        try
        {
            _codec.Decode(frame.Payload.Span, values);
            return values;
        }
        catch (UpdateFormatException)
        {
            // It is not an update in this run's format: its sender takes no part in this cell.
            return ReadOnlyMemory<float>.Empty;
        }
    }

    /// <summary>The own copy of a cell if it is the decided one, otherwise what came of it; empty when nothing did.</summary>
    private ReadOnlyMemory<float> ValuesOf(AssemblyOrder order, MergeCell cell, Dictionary<int, string> needed)
    {
        if (_reduced.TryGetValue(cell.Index, out var own) && own.Hash == order.Decisions[cell.Index].Hash)
        {
            return own.Values;
        }

        if (!needed.TryGetValue(cell.Index, out var sender))
        {
            return ReadOnlyMemory<float>.Empty;
        }

        using var frame = exchange.Take(new CellKey(FrameKind.MergedCell, order.Round, cell.Index, sender));
        var values = new float[cell.Length];
        if (frame is null || frame.Payload.Length != _resultCodec.ByteCount(cell.Length))
        {
            return ReadOnlyMemory<float>.Empty;
        }

        _resultCodec.Decode(frame.Payload.Span, values);
        return values;
    }

    private ReadOnlySpan<byte> EncodedCell(MergeCell cell)
    {
        var first = checked((int)_codec.ByteCount(cell.Start));
        return _encoded.AsSpan(first, checked((int)_codec.ByteCount(cell.Length)));
    }

    private void SendUpdate(long round, MergeCell cell, string miner)
    {
        var bytes = EncodedCell(cell);
        var frame = Rent(FrameKind.Update, round, cell.Index, bytes.Length);
        bytes.CopyTo(frame.Payload.Span);
        frames.Send(assignment.Stage, miner, frame);
    }

    private void SendMerged(long round, CellDelivery delivery, float[] values)
    {
        var frame = Rent(FrameKind.MergedCell, round, delivery.Cell, checked((int)_resultCodec.ByteCount(values.Length)));
        _resultCodec.Encode(values, frame.Payload.Span);
        frames.Send(assignment.Stage, delivery.Receiver, frame);
    }

    private TensorFrame Rent(FrameKind kind, long round, int cell, int byteCount) =>
        frames.Rent(kind, round, new MicroBatchId(shard.Run, 0, round, cell), TensorElementType.Int8, [byteCount], [shard.Miner]);
}

/// <summary>Where a shard computes.</summary>
internal interface ILane
{
    /// <summary>Runs a job on the shard's lane; refused when the shard has ended.</summary>
    Task<T> RunAsync<T>(Func<T> job);
}
