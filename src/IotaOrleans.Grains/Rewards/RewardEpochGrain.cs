using System.Collections.Immutable;
using System.Globalization;
using IotaOrleans.Grains.Placement;
using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.Grains.Rewards;

/// <summary>Settles one epoch once: whatever was stored first is what every later call returns.</summary>
[ControlPlacement]
internal sealed class RewardEpochGrain(
    [PersistentState("epoch", StorageNames.Control)] IPersistentState<RewardEpochState> state,
    TimeProvider time) : Grain, IRewardEpochGrain
{
    public async Task<EpochSettlement> CloseAsync(long emission, ImmutableArray<WorkRecord> work)
    {
        if (state.State.Settlement is { } settled)
        {
            return settled;
        }

        var (run, epoch) = ParseKey(this.GetPrimaryKeyString());
        var settlement = Settlement.Settle(run, epoch, emission, work, time.GetUtcNow());
        state.State = new RewardEpochState { Settlement = settlement };
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            // Not known to be stored, so not settled: the next call reads what storage holds.
            DeactivateOnIdle();
            throw;
        }

        return settlement;
    }

    public Task<EpochSettlement?> GetAsync() => Task.FromResult(state.State.Settlement);

    private static (string Run, int Epoch) ParseKey(string key)
    {
        var parts = key.Split('/');
        return parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? (parts[0], epoch)
            : throw new FormatException($"'{key}' is not the key of a reward epoch: expected run/epoch");
    }
}

/// <summary>What a reward epoch grain stores.</summary>
[GenerateSerializer, Alias("IotaOrleans.RewardEpochState")]
internal sealed class RewardEpochState
{
    [Id(0)]
    public EpochSettlement? Settlement { get; set; }
}
