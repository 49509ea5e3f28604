using System.Security.Cryptography;
using IotaOrleans.Grains.Placement;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Merging;

/// <summary>See <see cref="IMergeGrain"/>.</summary>
[ControlPlacement]
internal sealed class MergeGrain(
    [PersistentState("merge", StorageNames.Control)] IPersistentState<MergeGrainState> state,
    IGrainFactory grains,
    TimeProvider time,
    ILogger<MergeGrain> logger) : Grain, IMergeGrain
{
    private readonly HashSet<string> _lost = new(StringComparer.Ordinal);
    private StageMerge? _merge;

    private MergeId Id => MergeId.Parse(this.GetPrimaryKeyString());

    /// <inheritdoc />
    public async Task<MergeCommitment> OpenAsync()
    {
        if (state.State.Secret.Length == 0)
        {
            state.State.Secret = RandomNumberGenerator.GetBytes(MergeCommitment.SecretBytes);
            await state.WriteStateAsync();
        }

        return MergeCommitment.To(Id, state.State.Secret);
    }

    /// <inheritdoc />
    public async Task<MergeReport> RunAsync(MergeRequest request)
    {
        if (state.State.Report is { } done)
        {
            return done;
        }

        await OpenAsync();
        _merge = new StageMerge(Id, request, state.State.Secret, grains, time, logger);
        foreach (var miner in _lost)
        {
            _merge.Lose(miner);
        }

        state.State.Report = await _merge.RunAsync();
        await state.WriteStateAsync();
        return state.State.Report;
    }

    /// <inheritdoc />
    public Task CloseAsync()
    {
        _merge?.Close();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task LoseAsync(string miner)
    {
        _lost.Add(miner);
        _merge?.Lose(miner);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<MergeReport?> GetAsync() => Task.FromResult(state.State.Report);
}

/// <summary>What a merge grain stores.</summary>
[GenerateSerializer, Alias("IotaOrleans.MergeGrainState")]
internal sealed class MergeGrainState
{
    [Id(0)]
    public byte[] Secret { get; set; } = [];

    [Id(1)]
    public MergeReport? Report { get; set; }
}
