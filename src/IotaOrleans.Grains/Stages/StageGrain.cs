using System.Collections.Immutable;
using System.Globalization;
using IotaOrleans.Grains.Placement;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Stages;

/// <summary>Remembers who holds a stage and after which step its weights are canonical, and lets its replicas merge.</summary>
[ControlPlacement]
internal sealed class StageGrain(
    [PersistentState("stage", StorageNames.Control)] IPersistentState<StageGrainState> state,
    IGrainFactory grains,
    TimeProvider time,
    ILogger<StageGrain> logger) : Grain, IStageGrain, IDisposable
{
    private StageRounds? _rounds;

    private StageRounds Rounds => _rounds ?? throw new IotaException(ExitCode.RunState, $"stage {this.GetPrimaryKeyString()} has no session in elastic mode");

    public Task AssignAsync(BlockRange blocks, ImmutableArray<string> miners)
    {
        ArgumentOutOfRangeException.ThrowIfZero(miners.Length);
        return SaveAsync(new StageState(blocks, miners, state.State.Stage?.CanonicalStep ?? 0));
    }

    public Task CommitAsync(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return state.State.Stage is { } stage
            ? SaveAsync(stage with { CanonicalStep = step })
            : throw new IotaException(ExitCode.RunState, $"stage {this.GetPrimaryKeyString()} was never assigned: assign it to a miner before committing step {step}");
    }

    public Task<StageState?> GetAsync() => Task.FromResult(state.State.Stage);

    public Task OpenAsync(StageOpening opening)
    {
        _rounds?.Dispose();
        var key = this.GetPrimaryKeyString();
        var cut = key.LastIndexOf('/');
        _rounds = new StageRounds(key[..cut], int.Parse(key[(cut + 1)..], CultureInfo.InvariantCulture), opening, state.State.Rounds + 1, SaveRoundAsync, grains, time, logger, Schedule);
        return Task.CompletedTask;
    }

    public Task JoinAsync(string miner)
    {
        Rounds.Join(miner);
        return Task.CompletedTask;
    }

    public Task LoseAsync(string miner)
    {
        Rounds.Lose(miner);
        return Task.CompletedTask;
    }

    public Task<MergeReport?> MergeAsync(ImmutableArray<MinerWork> work, bool last) => Rounds.MergeAsync(work, last);

    public Task<StageVersionName> GetVersionAsync() => Task.FromResult(Rounds.Version);

    public Task<StagePhaseState?> GetPhasesAsync() => Task.FromResult(_rounds?.State);

    public void Dispose() => _rounds?.Dispose();

    private IGrainTimer Schedule(Func<Task> run, TimeSpan delay) => this.RegisterGrainTimer(
        (next, _) => next(), run, new GrainTimerCreationOptions(delay, Timeout.InfiniteTimeSpan) { Interleave = true, KeepAlive = true });

    /// <summary>Rounds are counted through all sessions: each has a merge of its own.</summary>
    private Task SaveRoundAsync(long round)
    {
        state.State.Rounds = round;
        return state.WriteStateAsync();
    }

    private Task SaveAsync(StageState stage)
    {
        if (stage == state.State.Stage)
        {
            return Task.CompletedTask;
        }

        state.State.Stage = stage;
        return state.WriteStateAsync();
    }
}

/// <summary>What a stage grain stores.</summary>
[GenerateSerializer, Alias("IotaOrleans.StageGrainState")]
internal sealed class StageGrainState
{
    [Id(0)]
    public StageState? Stage { get; set; }

    /// <summary>Rounds that were begun to be merged.</summary>
    [Id(1)]
    public long Rounds { get; set; }
}
