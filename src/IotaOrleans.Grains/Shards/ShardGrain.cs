using IotaOrleans.Grains.Placement;
using IotaOrleans.Tensors;
using Microsoft.Extensions.Logging;
using Orleans.Placement;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Shards;

/// <summary>See <see cref="IShardGrain"/>. The grain answers calls; its worker computes on a lane.</summary>
[MinerPlacement]
[Immovable]
internal sealed partial class ShardGrain(
    ComputeLanes lanes, FrameInboxes inboxes, ITensorTransport transport, SiloFrameListener listener, IGrainFactory grains, ILogger<ShardGrain> logger)
    : Grain, IShardGrain, IFrameReceiverGrain
{
    private const int MaximumChunk = 4 << 20;
    private ShardWorker? _worker;
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
        var lane = lanes.Take(assignment);
        var worker = new ShardWorker(key, assignment, lane, transport, report => _ = DeliverAsync(key, report));
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

    private ShardWorker Require(Guid session) => _worker?.Session == session
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

    /// <summary>Reports from the lane's thread; calls are at most once, so a lost one is repeated and the run grain ignores doubles.</summary>
    private async Task DeliverAsync(ShardKey key, ShardReport report)
    {
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

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} could not report order {Sequence} (attempt {Attempt}); trying again")]
    private partial void LogReportRepeated(ShardKey shard, long sequence, int attempt, Exception failure);

    [LoggerMessage(LogLevel.Error, "Shard {Shard} gave up reporting order {Sequence}")]
    private partial void LogReportLost(ShardKey shard, long sequence, Exception failure);
}
