using System.Collections.Immutable;
using IotaOrleans.Protocol.Runs;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Swarm;

/// <summary>What follows the steps: merges, evaluations, checkpoints, the end.</summary>
internal sealed partial class SwarmSession
{
    private const int PatienceFactor = 4;
    private const int MostWaitingCheckpoints = 2;
    private static readonly TimeSpan LongestWaitForFetch = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(30);

    private AwaitedOrder? _awaited;
    private TimeSpan _longestOrder;
    private Task _milestones = Task.CompletedTask;
    private Task _merging = Task.CompletedTask;
    private Task? _ending;

    /// <summary>Merges, evaluates and takes snapshots in order behind the steps, which go on meanwhile.</summary>
    private void PassMilestones(long step, bool merges, bool evaluates, bool checkpoints, bool last = false)
    {
        // A merge that comes while the one before is under way would find nothing new.
        if ((merges && _milestones.IsCompleted) || evaluates || checkpoints || last)
        {
            _milestones = PassMilestonesAsync(_milestones, step, last, evaluates, checkpoints, SignedPosition);
        }
    }

    private async Task PassMilestonesAsync(Task previous, long step, bool last, bool evaluates, bool checkpoints, LedgerPosition position)
    {
        await previous;
        try
        {
            await MergeAsync(step, last);
            if (!last)
            {
                await RebalanceAsync();
            }

            if (evaluates)
            {
                _recorder.Evaluated(step, await EvaluateAsync(step));
            }

            if (last)
            {
                await CloseSegmentsAsync(Shards);
                position = SignedPosition;
            }

            // While the disk is slower than the interval asks for, a checkpoint is left out: the next one says more.
            if (checkpoints && (last || _recorder.CheckpointsWaiting < MostWaitingCheckpoints))
            {
                _recorder.Checkpoint(step, await SnapshotAsync(step), position);
            }
        }
        catch (Exception failure)
        {
            LogMilestoneFailed(_specification.Run, step, failure);
            _recorder.Fail(_completedStep, $"step {step}: {failure.Message}");
        }
    }

    private void EndWhenDone()
    {
        var finished = _ledger.IsComplete && !_stopping;
        if (!Active || !_steps.IsDrained || !(finished || (_stopping && _ledger.IsDrained)))
        {
            return;
        }

        if (_ending is null)
        {
            _ending = EndAsync(finished ? RunPhase.Finished : RunPhase.Interrupted);
        }
    }

    private async Task EndAsync(RunPhase phase)
    {
        if (_completedStep > _recorder.CheckpointStep)
        {
            PassMilestones(_completedStep, merges: true, evaluates: phase == RunPhase.Finished, checkpoints: true, last: true);
        }

        await _milestones;
        await CloseSegmentsAsync(Shards);
        if (phase == RunPhase.Finished)
        {
            Count(_claims.ForfeitAll());
            Settle();
        }

        await _audited;
        await _recorder.EndAsync(phase, _completedStep, _throughput.Mean, sent: _sent);
    }

    private async Task MergeAsync(long step, bool last)
    {
        if (!last && !_mergesWaitFor.IsCompleted)
        {
            // Merges that follow each other faster than a newcomer can fetch a version would keep it out for good.
            await Task.WhenAny(_mergesWaitFor, Task.Delay(LongestWaitForFetch, _time));
        }

        var merging = Task.WhenAll(Enumerable.Range(0, _members.Stages.Length).Select(stage => MergeStageAsync(stage, last)));
        _merging = merging;
        foreach (var report in (await merging).OfType<MergeReport>())
        {
            _recorder.Publish(new StageMerged { Step = step, Report = report });
            NoteMerge(report);
        }
    }

    /// <summary>A merge that fails costs nothing but itself: the replicas go on, and the next one takes in what they have learnt.</summary>
    private async Task<MergeReport?> MergeStageAsync(int stage, bool last)
    {
        try
        {
            return await Stage(stage).MergeAsync(Work(stage), last);
        }
        catch (Exception failure)
        {
            LogNoMerge(_specification.Run, stage, failure);
            return null;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Run {Run}: stage {Stage} did not merge")]
    private partial void LogNoMerge(string run, int stage, Exception failure);

    private IStageGrain Stage(int stage) => _grains.GetGrain<IStageGrain>($"{_specification.Run}/{stage}");

    private async Task<double> EvaluateAsync(long step) => (await CarryOutAsync(WorkKind.Evaluate, step)).Loss;

    private async Task<ImmutableArray<ShardKey>> SnapshotAsync(long step) => (await CarryOutAsync(WorkKind.Snapshot, step)).Shards;

    /// <summary>
    /// Lets the first miner of each stage carry out an order. When one of them is gone, others do it; when it takes far longer than the
    /// longest one so far, something of it was lost on the way, and it is given out once more.
    /// </summary>
    private async Task<(double Loss, ImmutableArray<ShardKey> Shards)> CarryOutAsync(WorkKind kind, long step)
    {
        var patience = LeastPatience > PatienceFactor * _longestOrder ? LeastPatience : PatienceFactor * _longestOrder;
        while (Active && !_members.Stages.Any(miners => miners.IsEmpty))
        {
            ImmutableArray<ShardKey> shards = [.. Enumerable.Range(0, _specification.Stages.Length).Select(First)];
            var order = new WorkOrder { Sequence = ++_sequence, Kind = kind, Step = step, Epoch = WorkPlan.EpochOf(_specification, step), Pathway = [.. shards.Select(shard => shard.Miner)] };
            var awaited = _awaited = new AwaitedOrder(order, shards);
            var started = _time.GetTimestamp();
            foreach (var receiver in awaited.Receivers)
            {
                _ = TellAsync(receiver, _ => Shard(receiver).EnqueueAsync(_id, [order]));
            }

            try
            {
                var loss = await awaited.Done.WaitAsync(patience, _time);
                _longestOrder = TimeSpan.FromTicks(Math.Max(_longestOrder.Ticks, _time.GetElapsedTime(started).Ticks));
                return (loss, shards);
            }
            catch (OperationCanceledException)
            {
                // One of them was lost, or left.
            }
            catch (TimeoutException)
            {
                LogOrderLate(_specification.Run, kind, step, patience);
                patience *= 2;
            }
        }

        throw new OperationCanceledException($"the session ended before the order of step {step} was carried out");
    }

    [LoggerMessage(LogLevel.Warning, "Run {Run}: {Kind} of step {Step} has taken {Patience} and is given out once more")]
    private partial void LogOrderLate(string run, WorkKind kind, long step, TimeSpan patience);

    [LoggerMessage(LogLevel.Error, "Run {Run}: what follows step {Step} failed")]
    private partial void LogMilestoneFailed(string run, long step, Exception failure);
}
