using System.Collections.Immutable;
using IotaOrleans.Protocol.Merging;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Stages;

/// <summary>
/// The rounds of a stage in one elastic session, on the stage grain's scheduler: carries out what the pure phase machine asks for, and
/// tells it what came of it.
/// </summary>
internal sealed partial class StageRounds : IDisposable
{
    /// <summary>Together less than a call may take.</summary>
    private static readonly StagePhaseSettings Settings = new()
    {
        Training = new PhaseBounds(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(20)),
        Uploading = new PhaseBounds(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(20)),
        Merging = new PhaseBounds(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(40)),
        Closing = TimeSpan.FromSeconds(10),
    };

    private static readonly TimeSpan LeastDelay = TimeSpan.FromMilliseconds(10);

    private readonly string _run;
    private readonly int _stage;
    private readonly StageOpening _opening;
    private readonly StagePhaseSettings _settings;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Func<long, Task> _saveRound;
    private readonly Func<Func<Task>, TimeSpan, IDisposable> _schedule;
    private readonly Dictionary<string, UpdateReport> _updates = [];
    private readonly Dictionary<string, long> _workBefore = [];
    private readonly HashSet<string> _newcomers = [];
    private TaskCompletionSource<MergeReport?>? _merging;
    private MergeReport? _lastReport;
    private IDisposable? _timer;
    private bool _last;

    public StageRounds(
        string run, int stage, StageOpening opening, long firstRound, Func<long, Task> saveRound, IGrainFactory grains, TimeProvider time, ILogger logger, Func<Func<Task>, TimeSpan, IDisposable> schedule)
    {
        _saveRound = saveRound;
        (_run, _stage, _opening, _grains, _time, _logger, _schedule) = (run, stage, opening, grains, time, logger, schedule);
        _settings = Settings;
        State = StagePhases.Begin(time.GetUtcNow(), _settings) with { Round = firstRound };
        foreach (var miner in opening.Miners)
        {
            Happen(new StageMinerJoined(miner));
        }
    }

    public StagePhaseState State { get; private set; }

    public StageVersionName Version { get; private set; } = new(0, null);

    private ImmutableArray<string> Live => [.. State.Members.Where(member => member.IsLive).Select(member => member.Miner)];

    /// <summary>A newcomer gets every version; it is waited for from its first work on.</summary>
    public void Join(string miner) => _newcomers.Add(miner);

    public void Lose(string miner)
    {
        _newcomers.Remove(miner);
        Happen(new StageMinerLost(miner));
        if (State.Phase == StagePhase.Merging)
        {
            var merge = Merge(State.Round);
            _ = Live.IsEmpty ? merge.CloseAsync() : merge.LoseAsync(miner);
        }
    }

    /// <summary>Counts work until the round is over.</summary>
    public async Task<MergeReport?> MergeAsync(ImmutableArray<MinerWork> work, bool last)
    {
        while (_merging is { Task: var underWay })
        {
            await underWay;
        }

        var since = work.Select(entry => entry.BackwardPasses - _workBefore.GetValueOrDefault(entry.Miner)).ToArray();
        if (!last && since.All(passes => passes == 0))
        {
            return null;
        }

        _last = last;
        _merging = new TaskCompletionSource<MergeReport?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = _merging.Task;
        for (var i = 0; i < work.Length; i++)
        {
            var (miner, passes) = work[i];
            _workBefore[miner] = passes;
            if (since[i] > 0 && _newcomers.Remove(miner))
            {
                Happen(new StageMinerJoined(miner));
            }

            // Who has done nothing since the last merge is asked all the same, and weighs nothing: it is there, so nobody waits for it.
            Happen(new StageWorkCounted(miner, State.Round, Math.Max(since[i], _settings.MinimumWork)));
        }

        return await ended;
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _merging?.TrySetResult(null);
    }

    private void Happen(StageEvent happened)
    {
        (State, var effects) = StagePhases.Next(State, happened, _time.GetUtcNow(), _settings);
        _timer?.Dispose();
        var left = State.Deadline - _time.GetUtcNow();
        _timer = _schedule(() =>
        {
            Happen(new TimePassed());
            return Task.CompletedTask;
        }, left > LeastDelay ? left : LeastDelay);
        foreach (var effect in effects)
        {
            Carry(effect);
        }
    }

    private void Carry(StageEffect effect)
    {
        switch (effect)
        {
            case AskForUploads ask:
                _updates.Clear();
                _ = AskAsync(ask);
                break;
            case StartMerge start:
                _ = RunMergeAsync(start);
                break;
            case CloseMerge close:
                _ = Merge(close.Round).CloseAsync();
                break;
            case ResumeTraining resume:
                LogRound(_run, _stage, State.Round, resume.After);
                // A prolonged round is not over.
                if (State.History[^1].Phase != StagePhase.Training)
                {
                    var merging = _merging;
                    _merging = null;
                    merging?.TrySetResult(resume.FromMerged || resume.After == PhaseOutcome.MergeFailed ? _lastReport : null);
                }

                break;
        }
    }

    private async Task AskAsync(AskForUploads ask)
    {
        await _saveRound(ask.Round);
        await Merge(ask.Round).OpenAsync();
        await Task.WhenAll(ask.Miners.Select(async miner =>
        {
            try
            {
                _updates[miner] = await Shard(miner).CutAsync(_opening.Session, ask.Round, _last);
                Happen(new UpdateUploaded(miner, ask.Round));
            }
            catch (Exception failure)
            {
                LogNoUpdate(_run, _stage, ask.Round, miner, failure);
            }
        }));
    }

    private async Task RunMergeAsync(StartMerge start)
    {
        Happen(new ReductionStarted(start.Round));
        var outcome = MergeOutcomeKind.Failed;
        try
        {
            _lastReport = await Merge(start.Round).RunAsync(new MergeRequest
            {
                Session = _opening.Session,
                Members = [.. Live.Union(_newcomers).Order(StringComparer.Ordinal)],
                Updates = [.. start.Miners.Where(_updates.ContainsKey).Select(miner => new ReplicaUpdate(miner, Weighed(_updates[miner])))],
                Settings = _opening.Swarm.Merge,
                Format = _opening.Swarm.UpdateFormat,
                Patience = TimeSpan.FromSeconds(20),
            });
            outcome = _lastReport.Outcome.Kind;
            if (_lastReport.Version is { } version)
            {
                Version = version;
            }
        }
        catch (Exception failure)
        {
            _lastReport = null;
            LogMergeFailed(_run, _stage, start.Round, failure);
        }

        Happen(new MergeEnded(start.Round, outcome));
    }

    /// <summary>An update of less than the minimum of work weighs nothing in the merge.</summary>
    private UpdateReport Weighed(UpdateReport report) => report.Work < _opening.Swarm.MinimumWork ? report with { Work = 0 } : report;

    private IMergeGrain Merge(long round) => _grains.GetGrain<IMergeGrain>(new MergeId(_run, _stage, round).ToString());

    private ISwarmShardGrain Shard(string miner) => _grains.GetGrain<ISwarmShardGrain>(new ShardKey(_run, _stage, miner).ToString());

    [LoggerMessage(LogLevel.Debug, "Run {Run}, stage {Stage}: round {Round} begins after {Outcome}")]
    private partial void LogRound(string run, int stage, long round, PhaseOutcome outcome);

    [LoggerMessage(LogLevel.Warning, "Run {Run}, stage {Stage}, round {Round}: no update from {Miner}")]
    private partial void LogNoUpdate(string run, int stage, long round, string miner, Exception failure);

    [LoggerMessage(LogLevel.Error, "Run {Run}, stage {Stage}: the merge of round {Round} failed")]
    private partial void LogMergeFailed(string run, int stage, long round, Exception failure);
}
