using System.Collections.Immutable;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Runs;

/// <summary>
/// Writes a checkpoint from the shards' snapshots, in chunks, while training goes on. Shards may be anywhere: their state travels
/// in grain calls, not over a shared disk.
/// </summary>
internal sealed class CheckpointWriter(IGrainFactory grains)
{
    // Below the size from which .NET keeps arrays apart and collects them late.
    private const int ChunkByteCount = 64 << 10;

    /// <summary>Writes the checkpoint of a step and frees the snapshots, also when writing fails.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="description">Where the run stood.</param>
    /// <param name="sources">The shard of each stage that has the snapshot; of several of a stage, the first.</param>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="IotaException">The disk is full or not writable.</exception>
    public async Task<string> WriteAsync(TrainingRunSpecification specification, CheckpointDescription description, ImmutableArray<ShardKey> sources)
    {
        var store = new CheckpointStore(specification.CheckpointDirectory);
        string path;
        try
        {
            path = await store.WriteAsync(description, folder => FillAsync(specification, description.Step, sources, folder));
        }
        finally
        {
            // Nobody waits for it: one of them may be gone.
            foreach (var source in sources)
            {
                Shard(source).ReleaseSnapshotAsync(description.Step).Ignore();
            }
        }

        store.Prune(specification.CheckpointsKept);
        return path;
    }

    private async Task FillAsync(TrainingRunSpecification specification, long step, ImmutableArray<ShardKey> sources, string folder)
    {
        LlamaConfigurationFile.Write(Path.Combine(folder, LlamaConfigurationFile.Name), specification.Model);
        CopyTokenizer(specification.DataDirectory, folder);
        var tensors = LlamaTensors.All(specification.Model);
        await WriteAsync(ModelFiles.SingleName, (ShardSection.Weights, ""));
        await WriteAsync(StageLoader.OptimizerFileName, (ShardSection.FirstMoment, StageLoader.FirstMomentPrefix), (ShardSection.SecondMoment, StageLoader.SecondMomentPrefix));
        if (specification.Mode == TrainingMode.Elastic)
        {
            await WriteAsync(StageLoader.OuterFileName, (ShardSection.Velocity, StageLoader.VelocityPrefix));
        }

        async Task WriteAsync(string name, params (ShardSection Section, string Prefix)[] sections)
        {
            await using var file = File.Create(Path.Combine(folder, name));
            var writer = new SafetensorsWriter(file, [.. sections.SelectMany(section => tensors.Select(tensor => new SafetensorsTensor(section.Prefix + tensor.Name, SafetensorsDType.F32, tensor.Shape)))]);
            await CopyAsync(specification, step, sources, tensors, sections, writer);
            writer.Complete();
        }
    }

    private async Task CopyAsync(
        TrainingRunSpecification specification,
        long step,
        ImmutableArray<ShardKey> sources,
        IReadOnlyList<LlamaTensor> tensors,
        (ShardSection Section, string Prefix)[] sections,
        SafetensorsWriter writer)
    {
        var layouts = specification.Stages.Select(blocks => ParameterLayout.Of(specification.Model, blocks)).ToArray();
        foreach (var (section, prefix) in sections)
        {
            foreach (var tensor in tensors)
            {
                var stage = Array.FindIndex(layouts, layout => layout.Contains(tensor.Name));
                var slot = layouts[stage][tensor.Name];
                for (long done = 0; done < slot.ByteCount;)
                {
                    var wanted = (int)Math.Min(ChunkByteCount, slot.ByteCount - done);
                    var chunk = await Shard(sources.First(source => source.Stage == stage)).ReadSnapshotAsync(step, section, (slot.Offset * sizeof(float)) + done, wanted);
                    writer.Write(prefix + tensor.Name, chunk.Span);
                    done += chunk.Length;
                }
            }
        }
    }

    private IShardGrain Shard(ShardKey shard) => grains.GetGrain<IShardGrain>(shard.ToString());

    private static void CopyTokenizer(string dataDirectory, string folder)
    {
        using var data = Training.Data.TokenDataSet.Open(dataDirectory);
        data.Tokenizer?.Save(folder);
    }
}
