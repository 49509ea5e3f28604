using System.Collections.Immutable;
using Orleans.Concurrency;

namespace IotaOrleans;

/// <summary>The orchestrator of one run, keyed by the run's name: plans steps, serves the learning rate, closes epochs, asks for checkpoints.</summary>
[Alias("IotaOrleans.ITrainingRunGrain")]
public interface ITrainingRunGrain : IGrainWithStringKey
{
    /// <summary>Starts a new run.</summary>
    /// <exception cref="IotaException">The run exists already.</exception>
    [Alias("Start")]
    Task StartAsync(TrainingRunSpecification specification);

    /// <summary>Continues an interrupted, failed or finished run from its last checkpoint.</summary>
    /// <param name="specification">The stored specification with what may change on resuming: miners, stages, steps, folders.</param>
    /// <exception cref="IotaException">No such run, or its checkpoint is unusable.</exception>
    [Alias("Resume")]
    Task ResumeAsync(TrainingRunSpecification specification);

    /// <summary>Finishes the steps in flight, writes a checkpoint and leaves the run in <see cref="RunPhase.Interrupted"/>.</summary>
    [Alias("Stop")]
    Task StopAsync();

    /// <summary>The run's state, or null when it was never started.</summary>
    [AlwaysInterleave]
    [Alias("Get")]
    Task<TrainingRunState?> GetAsync();

    /// <summary>A miner's silo is gone for certain: a session in which it holds a stage fails now, not when somebody misses it, and can be resumed.</summary>
    [AlwaysInterleave]
    [Alias("ReportLoss")]
    Task ReportLossAsync(string miner);

    /// <summary>A shard's account of a finished work order; repeated reports are ignored. Interleaves: <see cref="StopAsync"/> waits for the last ones.</summary>
    [AlwaysInterleave]
    [Alias("Report")]
    Task ReportAsync(ShardReport report);

    /// <summary>A miner offers itself: in elastic mode it gets the stage that the run needs most, and works as soon as it has the stage's weights.</summary>
    /// <returns>Whether it is taken in; a miner that is a member already, or comes in exact mode, is not.</returns>
    [AlwaysInterleave]
    [Alias("Admit")]
    Task<bool> AdmitAsync(string miner, MinerCapability capability);

    /// <summary>A miner leaves in order: it is given nothing more, and what it has learnt is merged before it goes.</summary>
    [AlwaysInterleave]
    [Alias("Leave")]
    Task LeaveAsync(string miner);

    /// <summary>Counts what a shard did in elastic mode.</summary>
    /// <returns>Micro-batches for it to run, see <see cref="MicroBatchNumber"/>; more may come by <see cref="ISwarmShardGrain.GrantAsync"/>.</returns>
    [AlwaysInterleave]
    [Alias("ReportSwarm")]
    Task<SwarmReply> ReportSwarmAsync(SwarmReport report);
}
