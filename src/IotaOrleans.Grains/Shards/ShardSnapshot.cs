using System.Runtime.InteropServices;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Shards;

/// <summary>A copy of a shard's state after one step, for a checkpoint that is written while training goes on.</summary>
internal sealed class ShardSnapshot
{
    private readonly float[][] _sections;

    public ShardSnapshot(StageTrainer trainer)
    {
        _sections = [trainer.Parameters.Values.ToArray(), trainer.Optimizer.FirstMoment.ToArray(), trainer.Optimizer.SecondMoment.ToArray()];
    }

    /// <summary>Copies part of a section.</summary>
    public ReadOnlyMemory<byte> Read(ShardSection section, long offset, int count)
    {
        var bytes = MemoryMarshal.AsBytes(_sections[(int)section].AsSpan());
        var start = (int)Math.Min(offset, bytes.Length);
        return bytes.Slice(start, Math.Min(count, bytes.Length - start)).ToArray();
    }
}
