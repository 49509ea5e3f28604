using System.Collections.Immutable;
using IotaOrleans.Grains.Placement;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Grains.Swarm;
using IotaOrleans.Protocol.Runs;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Runs;

/// <summary>See <see cref="ITrainingRunGrain"/>. Plans a few steps ahead, so that the shards never wait for it.</summary>
[ControlPlacement]
internal sealed partial class TrainingRunGrain(
    [PersistentState("run", StorageNames.Control)] IPersistentState<TrainingRunGrain.StoredRun> storage,
    IGrainFactory grains,
    IWorkLedger ledger,
    TimeProvider time,
    ILogger<TrainingRunGrain> logger) : Grain, ITrainingRunGrain
{
    /// <summary>How often it is asked whether the shards of a session are still there: one that waits for a lost neighbour has nothing to report.</summary>
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

    /// <summary>Miners that were found to be wrong: no session takes them in again.</summary>
    private readonly HashSet<string> _convicted = [];
    private IRunSession? _session;
    private IGrainTimer? _probe;
    private Task _replaced = Task.CompletedTask;

    private string Run => this.GetPrimaryKeyString();

    /// <inheritdoc />
    public Task<TrainingRunState?> GetAsync() => Task.FromResult(storage.State.Value);

    /// <inheritdoc />
    public async Task StartAsync(TrainingRunSpecification specification)
    {
        if (storage.State.Value is not null)
        {
            throw new IotaException(ExitCode.RunState, $"run {Run} exists already: continue it with --resume {Run}, or choose another --run name");
        }

        RunSpecificationValidator.Validate(specification);
        await BeginAsync(new TrainingRunState { Specification = specification });
    }

    /// <inheritdoc />
    public async Task ResumeAsync(TrainingRunSpecification specification)
    {
        var state = storage.State.Value
            ?? await Task.Run(() => CheckpointRecovery.Find(specification))
            ?? throw new IotaException(ExitCode.RunState, $"there is no run {Run} to resume");
        if (_session is { Active: true })
        {
            throw new IotaException(ExitCode.RunState, $"run {Run} is already running");
        }

        RunSpecificationValidator.Validate(specification);
        // All steps that a run was to have may be in a checkpoint, and its end not be written down.
        var lacksItsEnd = state.CheckpointStep == specification.Steps
            && storage.State.Value is { Phase: not RunPhase.Finished } before && before.Specification.Steps == specification.Steps;
        if (state.CheckpointStep >= specification.Steps && !lacksItsEnd)
        {
            throw new IotaException(ExitCode.RunState, $"run {Run} has finished its {state.CheckpointStep} steps: pass --steps with a larger number to train on");
        }

        var (sound, damaged) = await Task.Run(() => CheckpointRecovery.Recover(state with { Specification = specification, Failure = null }));
        foreach (var damage in damaged)
        {
            LogDamaged(Run, damage.Reason, sound.CheckpointStep);
        }

        await BeginAsync(sound, damaged);
    }

    /// <inheritdoc />
    public async Task StopAsync()
    {
        await _replaced;
        await (_session?.StopAsync() ?? Task.CompletedTask);
    }

    /// <inheritdoc />
    public Task ReportAsync(ShardReport report)
    {
        _session?.Report(report);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<SwarmReply> ReportSwarmAsync(SwarmReport report) => Task.FromResult((_session as SwarmSession)?.Report(report) ?? SwarmReply.Nothing);

    /// <inheritdoc />
    public Task<bool> AdmitAsync(string miner, MinerCapability capability) => (_session as SwarmSession)?.AdmitAsync(miner, capability) ?? Task.FromResult(false);

    /// <inheritdoc />
    public Task LeaveAsync(string miner) => (_session as SwarmSession)?.LeaveAsync(miner) ?? Task.CompletedTask;

    /// <inheritdoc />
    public Task ReportLossAsync(string miner)
    {
        _session?.ReportLoss(miner);
        return Task.CompletedTask;
    }

    private async Task BeginAsync(TrainingRunState state, IReadOnlyList<CheckpointDamaged>? damaged = null, string? reason = null)
    {
        state = state with { Specification = WithoutConvicted(state.Specification) };
        await SaveAsync(state with { Phase = RunPhase.Preparing });
        if (damaged is { Count: > 0 })
        {
            await grains.GetGrain<IRunViewGrain>(Run).PublishAsync(RunPhase.Preparing, [.. damaged]);
        }

        await grains.GetGrain<IRunCatalogGrain>(IRunCatalogGrain.Key).AddAsync(Run);
        var specification = state.Specification;
        var session = Guid.NewGuid();
        try
        {
            for (var stage = 0; stage < specification.Stages.Length; stage++)
            {
                var grain = grains.GetGrain<IStageGrain>($"{Run}/{stage}");
                await grain.AssignAsync(specification.Stages[stage], specification.Miners[stage]);
                await grain.CommitAsync(state.CheckpointStep);
            }

            if (specification.Mode == TrainingMode.Elastic)
            {
                await Task.WhenAll(specification.Miners.Select((miners, stage) =>
                    grains.GetGrain<IStageGrain>($"{Run}/{stage}").OpenAsync(new StageOpening(session, miners, specification.Swarm))));
            }

            await Task.WhenAll(specification.Shards.Select(async shard =>
            {
                await grains.GetGrain<IMinerGrain>(shard.Miner).AssignAsync(Run, shard.Stage);
                await grains.GetGrain<IShardGrain>(shard.ToString()).PrepareAsync(new ShardAssignment
                {
                    Specification = specification,
                    Stage = shard.Stage,
                    Session = session,
                    Checkpoint = state.Checkpoint,
                    Step = state.CheckpointStep,
                });
            }));
        }
        catch (Exception failure)
        {
            await FailAsync(state, failure);
            throw;
        }

        await SaveAsync(state with { Phase = RunPhase.Training });
        _session = specification.Mode == TrainingMode.Elastic
            ? new SwarmSession(session, state, _convicted, reason, (before, because) => _replaced = ReplaceAsync(before, because), grains, ledger, time, SaveAsync, logger)
            : new RunSession(session, state, grains, ledger, time, SaveAsync, logger);
        _session.Begin();
        _probe ??= this.RegisterGrainTimer(ProbeAsync, new GrainTimerCreationOptions(ProbeInterval, ProbeInterval) { Interleave = true });
    }

    private Task ProbeAsync()
    {
        if (_session is { Active: true } session)
        {
            session.Probe();
        }

        return Task.CompletedTask;
    }

    private async Task ReplaceAsync(SwarmSession session, string reason)
    {
        try
        {
            await BeginAsync(await session.GiveWayAsync(), reason: reason);
        }
        catch (Exception failure)
        {
            LogNotReplaced(Run, failure);
            if (storage.State.Value is { Phase: not RunPhase.Failed } state)
            {
                // Nobody called this who could be told: whoever follows the run would wait for ever.
                await FailAsync(state, failure);
            }
        }
    }

    private async Task FailAsync(TrainingRunState state, Exception failure)
    {
        await SaveAsync(state with { Phase = RunPhase.Failed, Failure = failure.Message });
        await grains.GetGrain<IRunViewGrain>(Run).PublishAsync(RunPhase.Failed, [new RunFailed { Step = state.CheckpointStep, Failure = failure.Message, Checkpoint = state.Checkpoint }]);
    }

    /// <summary>Stages keep their last miner, whatever it did: without it there would be no run.</summary>
    private TrainingRunSpecification WithoutConvicted(TrainingRunSpecification specification) => specification with
    {
        Miners = [.. specification.Miners.Select(miners => miners.RemoveAll(_convicted.Contains) is { IsEmpty: false } others ? others : miners)],
    };

    private Task SaveAsync(TrainingRunState state)
    {
        storage.State.Value = state;
        return storage.WriteStateAsync();
    }

    [LoggerMessage(LogLevel.Error, "Run {Run}: {Damage}; going on from step {Step}")]
    private partial void LogDamaged(string run, string damage, long step);

    [LoggerMessage(LogLevel.Error, "Run {Run}: the session that gave way could not be followed by another one")]
    private partial void LogNotReplaced(string run, Exception failure);

    /// <summary>What the grain stores: null until the run was started.</summary>
    [GenerateSerializer, Alias("IotaOrleans.StoredRun")]
    internal sealed class StoredRun
    {
        [Id(0)]
        public TrainingRunState? Value { get; set; }
    }
}
