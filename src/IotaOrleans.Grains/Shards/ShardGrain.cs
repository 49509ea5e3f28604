using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using IotaOrleans.Grains.Placement;
using IotaOrleans.Grains.Swarm;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Tensors;
using Microsoft.Extensions.Logging;
using Orleans.Placement;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Shards;

/// <summary>See <see cref="IShardGrain"/>. The grain answers calls; its worker computes on a lane.</summary>
[MinerPlacement]
[Immovable]
internal sealed partial class ShardGrain(
    ComputeLanes lanes, FrameInboxes inboxes, ITensorTransport transport, SiloFrameListener listener, MinerKey minerKey, IGrainFactory grains, TimeProvider time, ILogger<ShardGrain> logger)
    : Grain, IShardGrain, ISwarmShardGrain, IFrameReceiverGrain
{
    private const int MaximumChunk = 4 << 20;
    private IShardWorker? _worker;
    private MinerLane? _lane;

    private ShardKey Key => ShardKey.Parse(this.GetPrimaryKeyString());

    /// <inheritdoc />
    public async Task PrepareAsync(ShardAssignment assignment)
    {
        if (_worker?.Session == assignment.Session)
        {
            return;
        }

        await FreeAsync();
        var key = Key;
        var lane = lanes.Take(assignment, key.Miner);
        IShardWorker worker = assignment.Specification.Mode == TrainingMode.Elastic
            ? new SwarmWorker(key, assignment, lane, transport, new SwarmControl(report => DeliverAsync(key, report), report => _ = DeliverAsync(key, report), LogUndelivered), minerKey, time)
            : new ShardWorker(key, assignment, lane, transport, report => _ = DeliverAsync(key, report));
        try
        {
            await lane.Lane.RunAsync(worker.Load);
        }
        catch
        {
            await lane.Lane.RunAsync(worker.Dispose);
            lanes.Return(lane);
            throw;
        }

        _worker = worker;
        _lane = lane;
        inboxes.Register(key, worker);
        DelayDeactivation(TimeSpan.MaxValue);
    }

    /// <inheritdoc />
    public Task EnqueueAsync(Guid session, WorkOrder[] orders)
    {
        Require(session).Enqueue(orders);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task GrantAsync(Guid session, ImmutableArray<long> microBatches)
    {
        RequireSwarm(session).Grant(microBatches);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task SetMembersAsync(Guid session, SwarmMembers members) => RequireSwarm(session).SetMembersAsync(members);

    /// <inheritdoc />
    public Task<UpdateReport> CutAsync(Guid session, long round, bool last) => RequireSwarm(session).Merge.CutAsync(round, last);

    /// <inheritdoc />
    public Task<ImmutableArray<CellCopy>> ReduceAsync(Guid session, MergeOrder order) => RequireSwarm(session).Merge.ReduceAsync(order);

    /// <inheritdoc />
    public Task SendCellAsync(Guid session, MergeOrder order, int cell, string arbiter)
    {
        RequireSwarm(session).Merge.SendCell(order, cell, arbiter);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<CellCopy> ArbitrateAsync(Guid session, MergeOrder order, int cell) => RequireSwarm(session).Merge.ArbitrateAsync(order, cell);

    /// <inheritdoc />
    public Task<UInt128?> AssembleAsync(Guid session, AssemblyOrder order) => RequireSwarm(session).Merge.AssembleAsync(order);

    /// <inheritdoc />
    public Task LosePeerAsync(Guid session, long round, string miner)
    {
        RequireSwarm(session).Merge.LosePeer(round, miner);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task CommitAsync(Guid session, long round, bool agreed) => RequireSwarm(session).Merge.CommitAsync(round, agreed);

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadVersionAsync(Guid session, long round, VersionSection section, long offset, int count)
    {
        var worker = RequireSwarm(session);
        return worker.RunAsync(() => worker.Version.Name.Round == round
            ? worker.Version.Read(section, offset, Math.Min(count, MaximumChunk))
            : throw new IotaException(ExitCode.RunState, $"shard {Key} has version {worker.Version.Name.Round}, not {round}"));
    }

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadEvidenceAsync(Guid session, UInt128 hash, long offset, int count) =>
        RequireSwarm(session).ReadEvidenceAsync(hash, offset, Math.Min(count, MaximumChunk));

    /// <inheritdoc />
    public Task ReleaseSegmentAsync(Guid session, long segment) => RequireSwarm(session).ReleaseSegmentAsync(segment);

    /// <inheritdoc />
    public Task<ImmutableArray<SegmentRecord>> CloseSegmentAsync(Guid session) => RequireSwarm(session).CloseSegmentAsync();

    /// <inheritdoc />
    public Task HandInAsync(Guid session) => RequireSwarm(session).HandInAsync();

    /// <inheritdoc />
    public Task FetchAsync(Guid session, StageVersionName version, ImmutableArray<string> peers) =>
        new VersionDownload(grains, Key, session).RunAsync(RequireSwarm(session), version, peers);

    /// <inheritdoc />
    public Task<int> AcceptAsync(TensorFrame frame)
    {
        if (_worker is not null)
        {
            return Task.FromResult(_worker.Accept(frame));
        }

        frame.Dispose();
        return Task.FromResult(0);
    }

    /// <inheritdoc />
    public Task<FrameEndpoint?> FindListenerAsync() => Task.FromResult(listener.Endpoint);

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadSnapshotAsync(long step, ShardSection section, long offset, int count)
    {
        var snapshot = _worker?.FindSnapshot(step)
            ?? throw new IotaException(ExitCode.RunState, $"shard {Key} has no snapshot of step {step}");
        return Task.FromResult(snapshot.Read(section, offset, Math.Min(count, MaximumChunk)));
    }

    /// <inheritdoc />
    public Task ReleaseSnapshotAsync(long step)
    {
        _worker?.ReleaseSnapshot(step);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task ReleaseAsync(Guid session)
    {
        if (_worker?.Session == session)
        {
            await FreeAsync();
            DeactivateOnIdle();
        }
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => FreeAsync();

    private SwarmWorker RequireSwarm(Guid session) => Require(session) as SwarmWorker
        ?? throw new IotaException(ExitCode.RunState, $"shard {Key} works in exact mode");

    private IShardWorker Require(Guid session) => _worker?.Session == session
        ? _worker
        : throw new IotaException(ExitCode.RunState, $"shard {Key} is not prepared for this session: its silo may have restarted");

    private async Task FreeAsync()
    {
        if (_worker is null || _lane is null)
        {
            return;
        }

        var (worker, lane) = (_worker, _lane);
        (_worker, _lane) = (null, null);
        inboxes.Remove(Key, worker);
        await lane.Lane.RunAsync(worker.Dispose);
        lanes.Return(lane);
    }

    /// <summary>Reports; calls are at most once, so a lost one is repeated and the run grain ignores doubles.</summary>
    private async Task DeliverAsync(ShardKey key, ShardReport report)
    {
        await LeaveLane();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await grains.GetGrain<ITrainingRunGrain>(key.Run).ReportAsync(report);
                return;
            }
            catch (Exception failure) when (attempt < 3)
            {
                LogReportRepeated(key, report.Order.Sequence, attempt, failure);
            }
            catch (Exception failure)
            {
                LogReportLost(key, report.Order.Sequence, failure);
                return;
            }
        }
    }

    /// <summary>Delivers an elastic shard's report; what it counts must not be lost, and a repeated one is counted once.</summary>
    private async Task<SwarmReply> DeliverAsync(ShardKey key, SwarmReport report)
    {
        await LeaveLane();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await grains.GetGrain<ITrainingRunGrain>(key.Run).ReportSwarmAsync(report);
            }
            catch (Exception failure) when (attempt < 3)
            {
                LogReportRepeated(key, 0, attempt, failure);
            }
            catch (Exception failure)
            {
                LogReportLost(key, 0, failure);
                return SwarmReply.Nothing;
            }
        }
    }

    /// <summary>
    /// Goes on in the thread pool. To make a call takes a lane's time; and what waits for answers Orleans keeps in a pool of each thread,
    /// without a bound: from lanes, which only call, it would pass over to threads that only receive, and pile up there.
    /// </summary>
    private static ConfiguredTaskAwaitable LeaveLane() => Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);

    [LoggerMessage(LogLevel.Debug, "A frame for shard {Receiver} was not delivered")]
    private partial void LogUndelivered(ShardKey receiver, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} could not report order {Sequence} (attempt {Attempt}); trying again")]
    private partial void LogReportRepeated(ShardKey shard, long sequence, int attempt, Exception failure);

    [LoggerMessage(LogLevel.Error, "Shard {Shard} gave up reporting order {Sequence}")]
    private partial void LogReportLost(ShardKey shard, long sequence, Exception failure);
}
