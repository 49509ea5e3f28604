using System.Runtime.InteropServices;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Shards;

/// <summary>A copy of a shard's state after one step, for a checkpoint that is written while training goes on.</summary>
internal sealed class ShardSnapshot
{
    private readonly float[][] _sections;

    private ShardSnapshot(StageTrainer trainer)
    {
        var count = checked((int)trainer.Parameters.Layout.Count);
        _sections = [new float[count], new float[count], new float[count], []];
    }

    /// <summary>Takes a snapshot, in the memory of one that was released if there is one: these arrays are too large to throw away.</summary>
    public static ShardSnapshot Take(StageTrainer trainer, ShardSnapshot? released, ReadOnlySpan<float> velocity = default)
    {
        var snapshot = released ?? new ShardSnapshot(trainer);
        trainer.Parameters.Values.CopyTo(snapshot._sections[(int)ShardSection.Weights]);
        trainer.Optimizer.FirstMoment.CopyTo(snapshot._sections[(int)ShardSection.FirstMoment]);
        trainer.Optimizer.SecondMoment.CopyTo(snapshot._sections[(int)ShardSection.SecondMoment]);
        if (snapshot._sections[(int)ShardSection.Velocity].Length != velocity.Length)
        {
            snapshot._sections[(int)ShardSection.Velocity] = new float[velocity.Length];
        }

        velocity.CopyTo(snapshot._sections[(int)ShardSection.Velocity]);
        return snapshot;
    }

    /// <summary>Copies part of a section.</summary>
    public ReadOnlyMemory<byte> Read(ShardSection section, long offset, int count)
    {
        var bytes = MemoryMarshal.AsBytes(_sections[(int)section].AsSpan());
        var start = (int)Math.Min(offset, bytes.Length);
        return bytes.Slice(start, Math.Min(count, bytes.Length - start)).ToArray();
    }
}
