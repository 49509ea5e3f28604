using System.Globalization;
using IotaOrleans.Grains.Placement;

namespace IotaOrleans.Grains.Rewards;

/// <summary>Settles one epoch once: whatever the ledger settled first is what every later call returns.</summary>
[ControlPlacement]
internal sealed class RewardEpochGrain(IWorkLedger ledger, TimeProvider time) : Grain, IRewardEpochGrain
{
    private EpochSettlement? _settlement;

    /// <inheritdoc />
    public async Task<EpochSettlement> CloseAsync(RewardPolicy policy)
    {
        var (run, epoch) = ParseKey(this.GetPrimaryKeyString());
        return _settlement ??= await ledger.SettleAsync(run, epoch, policy, time.GetUtcNow());
    }

    /// <inheritdoc />
    public async Task<EpochSettlement?> GetAsync()
    {
        var (run, epoch) = ParseKey(this.GetPrimaryKeyString());
        return _settlement ??= await ledger.FindAsync(run, epoch);
    }

    private static (string Run, int Epoch) ParseKey(string key)
    {
        var parts = key.Split('/');
        return parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? (parts[0], epoch)
            : throw new FormatException($"'{key}' is not the key of a reward epoch: expected run/epoch");
    }
}
