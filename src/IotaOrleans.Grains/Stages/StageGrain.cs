using IotaOrleans.Grains.Placement;

namespace IotaOrleans.Grains.Stages;

/// <summary>Remembers who holds a stage and after which step its weights are canonical.</summary>
[ControlPlacement]
internal sealed class StageGrain([PersistentState("stage", StorageNames.Control)] IPersistentState<StageGrainState> state) : Grain, IStageGrain
{
    public Task AssignAsync(BlockRange blocks, string miner)
    {
        ArgumentException.ThrowIfNullOrEmpty(miner);
        return SaveAsync(new StageState(blocks, miner, state.State.Stage?.CanonicalStep ?? 0));
    }

    public Task CommitAsync(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return state.State.Stage is { } stage
            ? SaveAsync(stage with { CanonicalStep = step })
            : throw new IotaException(ExitCode.RunState, $"stage {this.GetPrimaryKeyString()} was never assigned: assign it to a miner before committing step {step}");
    }

    public Task<StageState?> GetAsync() => Task.FromResult(state.State.Stage);

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
}
