using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// Fetches a stage's agreed version from its replicas: chunk by chunk from all of them in turn, a chunk that one cannot give from the
/// next, and the whole is checked against the agreed hash.
/// </summary>
internal sealed class VersionDownload(IGrainFactory grains, ShardKey shard, Guid session)
{
    private const int ChunkByteCount = 1 << 20;

    public async Task RunAsync(SwarmWorker worker, StageVersionName version, ImmutableArray<string> peers)
    {
        var sections = new Dictionary<VersionSection, float[]>();
        foreach (var section in Enum.GetValues<VersionSection>())
        {
            // Replicas' optimizers differ: both moments come from the same one.
            var sources = section is VersionSection.FirstMoment or VersionSection.SecondMoment ? peers[..1] : peers;
            sections[section] = await FetchAsync(section, version.Round, sources, worker.Version.Length);
        }

        if (!await worker.RunAsync(() => worker.TryReplace(version, section => sections[section])))
        {
            throw new IotaException(ExitCode.RunState, $"what {string.Join(", ", peers)} gave shard {shard} is not version {version.Round} of its stage");
        }
    }

    private async Task<float[]> FetchAsync(VersionSection section, long round, ImmutableArray<string> peers, int length)
    {
        var values = new float[length];
        var byteCount = (long)length * sizeof(float);
        for (var (done, turn) = (0L, 0); done < byteCount; turn++)
        {
            var chunk = await FetchChunkAsync(section, round, peers, turn, done);
            chunk.Span.CopyTo(MemoryMarshal.AsBytes(values.AsSpan())[(int)done..]);
            done += chunk.Length;
        }

        return values;
    }

    private async Task<ReadOnlyMemory<byte>> FetchChunkAsync(VersionSection section, long round, ImmutableArray<string> peers, int turn, long offset)
    {
        for (var attempt = 0; ; attempt++)
        {
            var peer = peers[(turn + attempt) % peers.Length];
            try
            {
                var chunk = await grains.GetGrain<ISwarmShardGrain>((shard with { Miner = peer }).ToString()).ReadVersionAsync(session, round, section, offset, ChunkByteCount);
                return chunk.Length > 0 ? chunk : throw new IotaException(ExitCode.RunState, $"{peer} gave shard {shard} nothing at byte {offset}");
            }
            catch (Exception) when (attempt + 1 < peers.Length)
            {
                // The next one may have it.
            }
        }
    }
}
