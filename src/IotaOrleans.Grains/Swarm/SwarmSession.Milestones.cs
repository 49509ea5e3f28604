using System.Collections.Immutable;
using IotaOrleans.Protocol.Runs;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Swarm;

/// <summary>What follows the steps: merges, evaluations, checkpoints, the end.</summary>
internal sealed partial class SwarmSession
{
    private static readonly TimeSpan LongestWaitForFetch = TimeSpan.FromSeconds(20);

    private TaskCompletionSource<double>? _evaluation;
    private TaskCompletionSource? _snapshots;
    private HashSet<int> _snapshotsDue = [];
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

            if (checkpoints)
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

    private async Task<double> EvaluateAsync(long step)
    {
        while (true)
        {
            _evaluation = new TaskCompletionSource<double>(TaskCreationOptions.RunContinuationsAsynchronously);
            var order = new WorkOrder { Sequence = ++_sequence, Kind = WorkKind.Evaluate, Step = step, Epoch = WorkPlan.EpochOf(_specification, step) };
            await Shard(First(0)).EnqueueAsync(_id, [order]);
            try
            {
                return await _evaluation.Task;
            }
            catch (OperationCanceledException)
            {
                // A miner was lost, perhaps one that evaluated: once more, with those who are there.
            }
        }
    }

    private async Task<ImmutableArray<ShardKey>> SnapshotAsync(long step)
    {
        ImmutableArray<ShardKey> sources = [.. Enumerable.Range(0, _specification.Stages.Length).Select(First)];
        _snapshotsDue = [.. sources.Select(source => source.Stage)];
        _snapshots = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var order = new WorkOrder { Sequence = ++_sequence, Kind = WorkKind.Snapshot, Step = step, Epoch = WorkPlan.EpochOf(_specification, step) };
        await Task.WhenAll(sources.Select(source => Shard(source).EnqueueAsync(_id, [order])));
        try
        {
            await _snapshots.Task;
            return sources;
        }
        catch (OperationCanceledException)
        {
            // A miner was lost, perhaps one that took a snapshot: once more, by those who are there.
            return await SnapshotAsync(step);
        }
    }

    [LoggerMessage(LogLevel.Error, "Run {Run}: what follows step {Step} failed")]
    private partial void LogMilestoneFailed(string run, long step, Exception failure);
}
