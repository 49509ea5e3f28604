using System.Collections.Immutable;
using IotaOrleans.Protocol.Swarm;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Swarm;

/// <summary>Who works for the run: miners that join, leave, are lost, or are moved to a stage that is too slow.</summary>
internal sealed partial class SwarmSession
{
    private const int MostFetches = 5;
    private const int FetchesBesideMerges = 2;
    private const int RoundsBeforeMove = 3;
    private const int MicroBatchesBeforeMove = 32;

    // Values, gradients, two moments, and five vectors for the agreed version and the next one: nine numbers of four bytes each.
    private const long BytesPerParameter = 9 * sizeof(float);

    private readonly Dictionary<string, MinerCapability> _capabilities = [];
    private readonly HashSet<string> _changing = [];
    private int _roundsInFavour;
    private int _slowStage = -1;
    private Task _mergesWaitFor = Task.CompletedTask;

    /// <inheritdoc />
    public void Probe()
    {
        // Every pass and every merge has a deadline here: who misses them is given up.
    }

    /// <inheritdoc />
    public void ReportLoss(string miner) => Lose(miner, $"the silo of {miner} was lost");

    /// <summary>Takes a miner in.</summary>
    public async Task<bool> AdmitAsync(string miner, MinerCapability capability)
    {
        _capabilities[miner] = capability;
        if (!Active || _stopping || _ending is not null || IsMember(miner) || _convicted.Contains(miner) || !_changing.Add(miner))
        {
            return false;
        }

        try
        {
            if (_specification.Validation.Rate > 0 && capability.Hardware is { } hardware && hardware != HardwareClass.Own)
            {
                LogIncomparable(_specification.Run, miner, hardware, HardwareClass.Own);
                return false;
            }

            if (SwarmPlanner.ChooseStage(_members.Stages.Length, MemoryNeeds(), Paces(), miner, RelativeSpeed(capability), capability.MemoryBytes) is not { } stage)
            {
                LogTooSmall(_specification.Run, miner, capability.MemoryBytes);
                return false;
            }

            await EnterAsync(miner, stage, MemberChange.Joined, $"{miner} offered itself, and stage {stage} needed it most");
            return true;
        }
        catch (Exception failure)
        {
            LogNotAdmitted(_specification.Run, miner, failure);
            return false;
        }
        finally
        {
            _changing.Remove(miner);
        }
    }

    /// <summary>Lets a miner go, with what it has learnt merged before.</summary>
    public async Task LeaveAsync(string miner)
    {
        if (!Active || !IsMember(miner) || !_changing.Add(miner))
        {
            return;
        }

        try
        {
            var stage = StageOf(miner);
            if (_members.Stages[stage].Length == 1)
            {
                Lose(miner, $"{miner} left");
                return;
            }

            var merged = await WithdrawAsync(miner, stage);
            Announce(miner, MemberChange.Left, stage, merged ? $"{miner} left; what it had learnt is merged" : $"{miner} left, and was gone before its last work could be merged");
        }
        finally
        {
            _changing.Remove(miner);
        }
    }

    private void Lose(string miner, string reason)
    {
        foreach (var departing in _departing.Where(shard => shard.Miner == miner))
        {
            // Nobody waits for the last update of who does not live to send it.
            _ = Stage(departing.Stage).LoseAsync(miner);
        }

        if (!Active || !IsMember(miner))
        {
            return;
        }

        var stage = StageOf(miner);
        SetMembers([.. _members.Stages.Select(miners => miners.Remove(miner))]);
        _ = Stage(stage).LoseAsync(miner);
        var forfeited = Forfeit(new ShardKey(_specification.Run, stage, miner));
        LogLost(_specification.Run, miner, TakeBack(miner), forfeited, reason);
        if (_members.Stages[stage].IsEmpty)
        {
            _recorder.Fail(_completedStep, $"stage {stage} lost its last miner: {reason}");
            return;
        }

        Announce(miner, MemberChange.Lost, stage, forfeited > 0 ? $"{reason}; {forfeited} passes that it had not signed for are not paid" : reason);
        GiveToWaiting();
    }

    private void GiveToWaiting()
    {
        foreach (var (shard, wanted) in _waiting.Where(entry => entry.Value > 0 && IsMember(entry.Key)).ToArray())
        {
            Give(shard, wanted);
        }
    }

    private async Task EnterAsync(string miner, int stage, MemberChange change, string reason, SpeedPrediction? predicted = null)
    {
        var shard = new ShardKey(_specification.Run, stage, miner);
        await _grains.GetGrain<IMinerGrain>(miner).AssignAsync(_specification.Run, stage);
        await Shard(shard).PrepareAsync(new ShardAssignment { Specification = _specification, Stage = stage, Session = _id, Step = _completedStep });
        await Stage(stage).JoinAsync(miner);
        BeginAnew(shard);
        await FetchAsync(shard);
        SetMembers(_members.Stages.SetItem(stage, _members.Stages[stage].Add(miner)));
        Announce(miner, change, stage, reason, predicted);
        if (stage == 0)
        {
            Give(shard, FirstGrant);
        }
    }

    /// <summary>A version may be superseded while it is fetched: then the next one is, and soon merges wait until it has come.</summary>
    private async Task FetchAsync(ShardKey shard)
    {
        var fetching = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            for (var attempt = 1; attempt <= MostFetches; attempt++)
            {
                if (attempt > FetchesBesideMerges)
                {
                    _mergesWaitFor = fetching.Task;
                    await _merging;
                }

                if (await TryFetchAsync(shard, attempt == MostFetches))
                {
                    return;
                }
            }
        }
        finally
        {
            fetching.TrySetResult();
        }

        throw new IotaException(ExitCode.RunState, $"{shard} could not fetch its stage in {MostFetches} attempts");
    }

    private async Task<bool> TryFetchAsync(ShardKey shard, bool isLast)
    {
        var version = await Stage(shard.Stage).GetVersionAsync();
        try
        {
            await _grains.GetGrain<ISwarmShardGrain>(shard.ToString()).FetchAsync(_id, version, _members.Stages[shard.Stage]);
            return await Stage(shard.Stage).GetVersionAsync() == version;
        }
        catch (Exception) when (!isLast)
        {
            // Most likely a merge came in between.
            return false;
        }
    }

    /// <summary>Nothing new is sent to the miner; when its stage has merged, it goes.</summary>
    /// <returns>Whether what it had learnt was merged.</returns>
    private async Task<bool> WithdrawAsync(string miner, int stage)
    {
        var shard = new ShardKey(_specification.Run, stage, miner);
        var work = ActivityOf(shard).BackwardPasses;
        SetMembers(_members.Stages.SetItem(stage, _members.Stages[stage].Remove(miner)));
        TakeBack(miner);
        GiveToWaiting();
        _departing.Add(shard);
        try
        {
            await Stage(stage).MergeAsync([new MinerWork(miner, work), .. Work(stage)], last: false);
            await Stage(stage).LoseAsync(miner);
            await CloseSegmentsAsync([shard]);
            await _audited;
            // It may hold what a checkpoint is being written from; one whose store is away can wait for the next.
            await Task.WhenAny(_recorder.Checkpointed, Task.Delay(PatienceWithLastSegments, _time));
            return true;
        }
        catch (Exception failure)
        {
            LogUnreachable(shard, failure);
            return false;
        }
        finally
        {
            _departing.Remove(shard);
            Forfeit(shard);
            _activity.Remove(shard);
            _ = DismissAsync(shard);
        }
    }

    /// <summary>Moves a miner to the slowest stage when that makes the run faster by more than a tenth.</summary>
    private async Task RebalanceAsync()
    {
        if (!_specification.Swarm.Rebalances || _changing.Count > 0 || _stopping || _ending is not null || Shards.Any(shard => ActivityOf(shard).Measured < MicroBatchesBeforeMove))
        {
            return;
        }

        // Measurements differ from moment to moment: a stage is slow when it is so several times running.
        var proposed = SwarmPlanner.ProposeMove(_members.Stages.Length, MemoryNeeds(), Paces());
        _roundsInFavour = proposed is not null && proposed.To == _slowStage ? _roundsInFavour + 1 : 1;
        _slowStage = proposed?.To ?? -1;
        if (proposed is not { } move || _roundsInFavour < RoundsBeforeMove || !_changing.Add(move.Miner))
        {
            return;
        }

        (_roundsInFavour, _slowStage) = (0, -1);
        try
        {
            await WithdrawAsync(move.Miner, move.From);
            await EnterAsync(move.Miner, move.To, MemberChange.Moved, string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"stage {move.To} was the slowest: {move.Before:0.0} micro-batches a second, {move.After:0.0} are expected now"), new SpeedPrediction(move.Before, move.After));
            foreach (var activity in _activity.Values)
            {
                activity.Forget();
            }
        }
        finally
        {
            _changing.Remove(move.Miner);
        }
    }

    private void Announce(string miner, MemberChange change, int stage, string reason, SpeedPrediction? predicted = null) => _recorder.Publish(new MembersChanged
    {
        Step = _completedStep,
        Miner = miner,
        Change = change,
        Stage = stage,
        Reason = reason,
        Stages = Views(),
        Predicted = predicted,
    });

    private ImmutableArray<StageView> Views() => [.. Shards.Select(shard => new StageView(
        shard.Stage,
        _specification.Stages[shard.Stage],
        shard.Miner,
        ParameterLayout.Of(_specification.Model, _specification.Stages[shard.Stage]).Count,
        ActivityOf(shard).BusyShare))];

    private ImmutableArray<MinerWork> Work(int stage) =>
        [.. _members.Stages[stage].Select(miner => new MinerWork(miner, ActivityOf(new ShardKey(_specification.Run, stage, miner)).BackwardPasses))];

    private long[] MemoryNeeds() => [.. _specification.Stages.Select(blocks => ParameterLayout.Of(_specification.Model, blocks).Count * BytesPerParameter)];

    private ShardPace[] Paces()
    {
        // Half of the speeds would make the others' miners look faster or slower than they are.
        var known = Shards.All(shard => SpeedOf(shard.Miner) > 0);
        return
        [
            .. Shards.Select(shard => new ShardPace(
                shard,
                ActivityOf(shard).SecondsPerMicroBatch,
                _capabilities.TryGetValue(shard.Miner, out var capability) ? capability.MemoryBytes : long.MaxValue,
                known ? RelativeSpeed(capability!) : 1)),
        ];
    }

    private double SpeedOf(string miner) => _capabilities.TryGetValue(miner, out var capability) ? capability.Speed : 0;

    private double RelativeSpeed(MinerCapability capability)
    {
        double[] members = [.. Shards.Select(shard => SpeedOf(shard.Miner)).Where(speed => speed > 0).Order()];
        return capability.Speed > 0 && members.Length > 0 ? capability.Speed / members[members.Length / 2] : 1;
    }

    private bool IsMember(string miner) => _members.Stages.Any(miners => miners.Contains(miner));

    private int StageOf(string miner) => Enumerable.Range(0, _members.Stages.Length).First(stage => _members.Stages[stage].Contains(miner));

    [LoggerMessage(LogLevel.Warning, "Run {Run}: {Miner} was lost ({Reason}); {Count} micro-batches are given out again, {Forfeited} passes that it had not signed for are not paid")]
    private partial void LogLost(string run, string miner, int count, int forfeited, string reason);

    [LoggerMessage(LogLevel.Warning, "Run {Run}: {Miner} has {Bytes} bytes of memory, too few for any stage")]
    private partial void LogTooSmall(string run, string miner, long bytes);

    [LoggerMessage(LogLevel.Warning, "Run {Run}: {Miner} is not taken in: it computes on another kind of processor or with another version ({Hardware}) than this silo ({Own}), so its work could not be checked bit for bit; --validation-rate 0 takes it in unchecked")]
    private partial void LogIncomparable(string run, string miner, string hardware, string own);

    [LoggerMessage(LogLevel.Warning, "Run {Run}: {Miner} could not be taken in")]
    private partial void LogNotAdmitted(string run, string miner, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} cannot be reached")]
    private partial void LogUnreachable(ShardKey shard, Exception failure);
}
