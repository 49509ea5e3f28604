using System.Collections.Immutable;
using System.Globalization;
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
    private const int Kept = 3;

    /// <summary>Writes the checkpoint of a step and frees the snapshots, also when writing fails.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="step">The step.</param>
    /// <param name="sources">The shard of each stage that has the snapshot; of several of a stage, the first.</param>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="IotaException">The disk is full or not writable.</exception>
    public async Task<string> WriteAsync(TrainingRunSpecification specification, long step, ImmutableArray<ShardKey> sources)
    {
        var path = Path.Combine(specification.CheckpointDirectory, string.Create(CultureInfo.InvariantCulture, $"step-{step:D8}"));
        try
        {
            Directory.CreateDirectory(specification.CheckpointDirectory);
            await AtomicDirectory.WriteAsync(path, folder => FillAsync(specification, step, sources, folder));
        }
        finally
        {
            foreach (var source in sources)
            {
                await Shard(source).ReleaseSnapshotAsync(step);
            }
        }

        RemoveOld(specification.CheckpointDirectory);
        return path;
    }

    private static void RemoveOld(string directory)
    {
        foreach (var old in Directory.EnumerateDirectories(directory, "step-*").Where(name => !name.EndsWith(".tmp", StringComparison.Ordinal)).OrderDescending(StringComparer.Ordinal).Skip(Kept))
        {
            Directory.Delete(old, recursive: true);
        }
    }

    private async Task FillAsync(TrainingRunSpecification specification, long step, ImmutableArray<ShardKey> sources, string folder)
    {
        LlamaConfigurationFile.Write(Path.Combine(folder, LlamaConfigurationFile.Name), specification.Model);
        CopyTokenizer(specification.DataDirectory, folder);
        var tensors = LlamaTensors.All(specification.Model);
        await using (var file = File.Create(Path.Combine(folder, ModelFiles.SingleName)))
        {
            var writer = new SafetensorsWriter(file, [.. tensors.Select(tensor => new SafetensorsTensor(tensor.Name, SafetensorsDType.F32, tensor.Shape))]);
            await CopyAsync(specification, step, sources, tensors, [(ShardSection.Weights, "")], writer);
            writer.Complete();
        }

        await using (var file = File.Create(Path.Combine(folder, StageLoader.OptimizerFileName)))
        {
            (ShardSection, string)[] sections = [(ShardSection.FirstMoment, StageLoader.FirstMomentPrefix), (ShardSection.SecondMoment, StageLoader.SecondMomentPrefix)];
            var writer = new SafetensorsWriter(file, [.. sections.SelectMany(section => tensors.Select(tensor => new SafetensorsTensor(section.Item2 + tensor.Name, SafetensorsDType.F32, tensor.Shape)))]);
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
