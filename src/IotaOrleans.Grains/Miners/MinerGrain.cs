using System.Globalization;
using IotaOrleans.Grains.Placement;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Miners;

/// <summary>The control side's record of one miner.</summary>
[ControlPlacement]
internal sealed partial class MinerGrain(
    [PersistentState("miner", StorageNames.Control)] IPersistentState<MinerGrainState> state,
    IGrainFactory grains,
    TimeProvider time,
    ILogger<MinerGrain> logger) : Grain, IMinerGrain
{
    /// <summary>A heartbeat that brings no news is written this often at most; in between it is kept in memory.</summary>
    private static readonly TimeSpan HeartbeatWriteInterval = TimeSpan.FromMinutes(1);

    private const int MostRunsAsked = 8;
    private bool _offering;
    private DateTimeOffset _written = DateTimeOffset.MinValue;

    public async Task ReportAsync(MinerCapability capability)
    {
        var now = time.GetUtcNow();
        var news = capability != state.State.Miner.Capability;
        state.State.Miner = state.State.Miner with { Capability = capability, LastSeen = now };
        if (news || now - _written >= HeartbeatWriteInterval)
        {
            await SaveAsync();
        }

        _ = OfferAsync(capability);
    }

    public Task AssignAsync(string run, int stage)
    {
        var assigned = state.State.Miner with { Run = run, Stage = stage };
        if (assigned == state.State.Miner)
        {
            return Task.CompletedTask;
        }

        state.State.Miner = assigned;
        return SaveAsync();
    }

    public Task AddEpochAsync(string run, int epoch, Payslip payslip)
    {
        var stage = string.Create(CultureInfo.InvariantCulture, $"{run}/{payslip.Stage}");
        var counted = state.State.Counted.GetValueOrDefault(stage, EpochSet.Empty);
        if (counted.Contains(epoch))
        {
            return Task.CompletedTask;
        }

        state.State.Counted[stage] = counted.Add(epoch);
        state.State.Miner = state.State.Miner with
        {
            BackwardPasses = state.State.Miner.BackwardPasses + payslip.BackwardPasses,
            Tokens = state.State.Miner.Tokens + payslip.Tokens,
            Earned = state.State.Miner.Earned + payslip.Paid,
        };
        return SaveAsync();
    }

    public Task<MinerState> GetAsync() => Task.FromResult(state.State.Miner with { Miner = this.GetPrimaryKeyString() });

    /// <summary>Offers the miner to the newest runs; one that needs it takes it in.</summary>
    private async Task OfferAsync(MinerCapability capability)
    {
        if (_offering)
        {
            return;
        }

        _offering = true;
        try
        {
            var runs = await grains.GetGrain<IRunCatalogGrain>(IRunCatalogGrain.Key).ListAsync();
            foreach (var run in runs.Reverse().Take(MostRunsAsked))
            {
                if (await grains.GetGrain<ITrainingRunGrain>(run).AdmitAsync(this.GetPrimaryKeyString(), capability))
                {
                    return;
                }
            }
        }
        catch (Exception failure)
        {
            LogNotOffered(this.GetPrimaryKeyString(), failure);
        }
        finally
        {
            _offering = false;
        }
    }

    [LoggerMessage(LogLevel.Debug, "{Miner} could not be offered to a run")]
    private partial void LogNotOffered(string miner, Exception failure);

    private async Task SaveAsync()
    {
        try
        {
            await state.WriteStateAsync();
            _written = time.GetUtcNow();
        }
        catch
        {
            // What memory says is not known to be stored: the next call reads storage again, and a retry counts once.
            DeactivateOnIdle();
            throw;
        }
    }
}

/// <summary>What a miner grain stores.</summary>
[GenerateSerializer, Alias("IotaOrleans.MinerGrainState")]
internal sealed class MinerGrainState
{
    [Id(0)]
    public MinerState Miner { get; set; } = new();

    /// <summary>The epochs whose work is in the totals, by run/stage.</summary>
    [Id(1)]
    public Dictionary<string, EpochSet> Counted { get; set; } = [];
}
