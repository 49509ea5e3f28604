using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using IotaOrleans.Protocol.Attribution;
using IotaOrleans.Protocol.Validation;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Swarm;

/// <summary>Who is believed: segments are drawn by lot and done again, losses are attributed to miners, and who is found to be wrong goes.</summary>
internal sealed partial class SwarmSession
{
    private const int StepsBetweenLooks = 10;
    private const double TrendSmoothing = 0.05;
    private const int MostHalves = 4096;

    private byte[] _secret = [];
    private readonly Dictionary<ShardKey, SegmentChain> _chains = [];
    private readonly Dictionary<string, int> _drawn = [];
    private readonly Dictionary<string, int> _passed = [];

    private readonly Suspicions _suspicions = new();
    private readonly HashSet<string> _convicted;
    private readonly Dictionary<(long Number, string Tail), double> _losses = [];
    private readonly Dictionary<long, ImmutableArray<string>> _pathways = [];
    private readonly Clasp _clasp = new(new ClaspSettings { Memory = 0.999 });
    private double _lossTrend = double.NaN;

    /// <summary>What waits to be checked, and completes once it is.</summary>
    private readonly AuditBacklog<(SegmentRecord Segment, int Epoch, TaskCompletionSource Done)> _backlog;
    private Task _audited = Task.CompletedTask;
    private bool _isAuditing;

    /// <summary>Draws the secret of an epoch that begins, and publishes what it is bound by.</summary>
    private void SealAudits()
    {
        if (_specification.Validation.Rate > 0)
        {
            _secret = RandomNumberGenerator.GetBytes(AuditLottery.SecretByteCount);
            _recorder.Publish(new AuditsSealed { Step = _completedStep, Epoch = OpenEpoch, Commitment = Convert.ToHexStringLower(AuditLottery.Commit(_secret)) });
        }
    }

    /// <summary>Looks at what a shard handed in, and decides what is checked.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="segments">The segments.</param>
    /// <param name="isLast">Whether the shard has nothing open any longer.</param>
    /// <returns>The segments that the shard must keep.</returns>
    private ImmutableArray<long> Receive(ShardKey shard, ImmutableArray<SegmentRecord> segments, bool isLast = false)
    {
        var audited = ImmutableArray.CreateBuilder<long>();
        foreach (var segment in segments.Where(segment => IsFrom(segment, shard)))
        {
            if (!_chains.TryGetValue(shard, out var chain))
            {
                _chains.Add(shard, chain = new SegmentChain());
            }

            switch (chain.Add(segment, out var objection))
            {
                case SegmentFit.Repeated:
                    continue;
                case SegmentFit.Wrong:
                    Await(ConvictAsync(new AuditVerdict(shard, segment.Index, AuditOutcome.Wrong, objection!, 0, TimeSpan.Zero), OpenEpoch));
                    continue;
                case SegmentFit.Gap:
                    Suspect(shard.Miner, shard.Stage, $"has handed in segment {segment.Index}, but not the one before it");
                    _claims.Forget(shard, begins: false);
                    break;
            }

            CountSegment(segment);

            var rate = AuditLottery.Rate(_specification.Validation, _drawn.GetValueOrDefault(shard.Miner), _passed.GetValueOrDefault(shard.Miner), _suspicions.IsSuspected(shard.Miner));
            if (_backlog.HasRoomFor(shard, segment.Index) && AuditLottery.IsDrawn(_secret, shard, segment.Index, rate))
            {
                audited.Add(segment.Index);
                _drawn[shard.Miner] = _drawn.GetValueOrDefault(shard.Miner) + 1;
                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _backlog.Add(shard, segment.Index, (segment, OpenEpoch, done));
                Await(done.Task);
            }
        }

        Count(_claims.EndReport(shard, segments.Length, isLast));
        _ = AuditWaitingAsync();
        return audited.ToImmutable();
    }

    /// <summary>One check after the other.</summary>
    private async Task AuditWaitingAsync()
    {
        if (_isAuditing)
        {
            return;
        }

        _isAuditing = true;
        while (_backlog.TryTake(out var waiting))
        {
            await AuditAsync(waiting.Segment, waiting.Epoch);
            waiting.Done.SetResult();
        }

        _isAuditing = false;
    }

    private async Task AuditAsync(SegmentRecord segment, int epoch)
    {
        if (!Active || (!IsMember(segment.Shard) && !_departing.Contains(segment.Shard)))
        {
            return;
        }

        try
        {
            var assignment = new ShardAssignment { Specification = _specification, Stage = segment.Shard.Stage, Session = _id };
            var verdict = await _grains.GetGrain<IValidatorGrain>($"{_specification.Run}/0").AuditAsync(assignment, segment, _capabilities.GetValueOrDefault(segment.Shard.Miner)?.Hardware);
            if (!Active)
            {
                // Another session goes on, and makes its own checks.
                return;
            }

            if (verdict.Outcome is AuditOutcome.Wrong or AuditOutcome.Declined)
            {
                await ConvictAsync(verdict, epoch);
                return;
            }

            if (verdict.Outcome == AuditOutcome.Incomparable)
            {
                // Nothing speaks against it, but nobody here could tell if something did.
                SendAway(segment.Shard, verdict.Finding);
            }
            else if (verdict.Outcome == AuditOutcome.Passed)
            {
                NotePassed(segment);
            }

            _recorder.Publish(new SegmentAudited { Step = _completedStep, Verdict = verdict });
        }
        catch (Exception failure)
        {
            LogNotAudited(segment.Shard, segment.Index, failure);
        }
    }

    private void NotePassed(SegmentRecord segment)
    {
        var miner = segment.Shard.Miner;
        _passed[miner] = _passed.GetValueOrDefault(miner) + 1;
        EndTrialOf(miner, isFalse: false);
        _suspicions.NotePassed(miner, segment.Index, _completedStep);
    }

    /// <summary>Who was found to be wrong is paid nothing more, and leaves the run if its stage has others.</summary>
    private async Task ConvictAsync(AuditVerdict verdict, int epoch)
    {
        var miner = verdict.Shard.Miner;
        if (!_convicted.Add(miner))
        {
            return;
        }

        var what = verdict.Outcome == AuditOutcome.Declined ? verdict.Finding : $"was found to be wrong: {verdict.Finding}";
        _recorder.Publish(new SegmentAudited { Step = _completedStep, Verdict = verdict });
        await PunishAsync(verdict.Shard, epoch, $"segment {verdict.Segment} of stage {verdict.Shard.Stage} {what}");
    }

    /// <summary>Settlements wait for what is being found out.</summary>
    private void Await(Task finding) => _audited = _audited.IsCompletedSuccessfully ? finding : Task.WhenAll(_audited, finding);

    /// <summary>Nothing that is not settled yet is paid, whatever epoch it is of, nor what follows.</summary>
    private async Task PunishAsync(ShardKey shard, int epoch, string reason)
    {
        var penalty = new Penalty(_specification.Run, shard.Miner, First: 0, epoch + _specification.Validation.QuarantineEpochs, $"{char.ToUpperInvariant(reason[0])}{reason[1..]}. Nothing is paid.");
        try
        {
            await _work.PenaliseAsync(penalty);
        }
        catch (Exception failure)
        {
            LogNotPenalised(shard.Miner, failure);
            _convicted.Remove(shard.Miner);
            return;
        }

        _claims.NoteWrong(shard.Miner);
        SendAway(shard, reason);
        EndTrialOf(shard.Miner, isFalse: !IsMember(shard.Miner));
    }

    /// <summary>A miner leaves the run, if its stage has others.</summary>
    private void SendAway(ShardKey shard, string reason)
    {
        var miner = shard.Miner;
        if (Active && IsMember(miner) && _members.Stages[StageOf(miner)].Length > 1)
        {
            Lose(miner, reason);
            _ = DismissAsync(shard);
        }
    }

    /// <summary>Ends the shard of a miner that was sent away; if it cannot be reached, nobody listens to it any longer anyway.</summary>
    private async Task DismissAsync(ShardKey shard)
    {
        try
        {
            await Shard(shard).ReleaseAsync(_id);
        }
        catch (Exception failure)
        {
            LogUnreachable(shard, failure);
        }
    }

    /// <summary>Notes a loss. A micro-batch that went to another tail as well has one of each, and only one of them ends in its pathway.</summary>
    private void NoteLoss(string tail, MicroBatchLoss known)
    {
        if (_pathways.TryGetValue(known.Number, out var pathway) && pathway[^1] == tail)
        {
            _pathways.Remove(known.Number);
            Attribute(pathway, known.Loss);
        }
        else
        {
            Keep(_losses, (known.Number, tail), known.Loss);
        }
    }

    private void NotePathway(long number, ImmutableArray<string> pathway)
    {
        if (_losses.Remove((number, pathway[^1]), out var loss))
        {
            Attribute(pathway, loss);
        }
        else
        {
            Keep(_pathways, number, pathway);
        }
    }

    /// <summary>Losses come from the last stage, pathways from the first, in either order; the other half of some never comes.</summary>
    private static void Keep<TKey, TValue>(Dictionary<TKey, TValue> halves, TKey key, TValue value)
        where TKey : notnull
    {
        if (halves.Count == MostHalves)
        {
            halves.Clear();
        }

        halves[key] = value;
    }

    private void Attribute(ImmutableArray<string> pathway, double loss)
    {
        _lossTrend = double.IsNaN(_lossTrend) ? loss : _lossTrend + (TrendSmoothing * (loss - _lossTrend));
        _clasp.Add(pathway, loss - _lossTrend);
    }

    /// <summary>Who makes losses worse is not yet a cheat, but everything that it hands in is checked until enough of it has come out right.</summary>
    private void LookForHarm()
    {
        if (_completedStep % StepsBetweenLooks != 0)
        {
            return;
        }

        var tail = _specification.Stages.Length - 1;
        // The last stage reports the losses itself: there, better ones than all others have speak against a miner as well.
        foreach (var effect in _clasp.Look().Where(effect => (effect.IsHarmful || (effect.IsTooGood && effect.Stage == tail)) && IsMember(effect.Miner) && _suspicions.CanBeSuspected(effect.Miner, _completedStep)))
        {
            Suspect(effect.Miner, effect.Stage, string.Create(CultureInfo.InvariantCulture, $"has losses that differ by {effect.Effect:+0.000;-0.000} nats, {Math.Abs(effect.Score):0.0} standard errors, from its stage's median"));
        }
    }

    /// <summary>What a neighbour says is out of all proportion convicts nobody: the neighbour may be wrong. But it is looked at.</summary>
    private void NoteStrange(SwarmReport report)
    {
        if (!Checks || _suspicions.IsSuspected(report.Shard.Miner))
        {
            return;
        }

        foreach (var (sender, number, norm, usual) in report.Strange.DistinctBy(strange => strange.Sender).Where(strange => IsMember(strange.Sender) && Math.Abs(strange.Sender.Stage - report.Shard.Stage) == 1))
        {
            if (_suspicions.IsSuspected(sender.Miner))
            {
                _ = AskForSegmentAsync(sender);
            }
            else
            {
                var what = sender.Stage < report.Shard.Stage ? "an activation" : "a gradient";
                Suspect(sender.Miner, sender.Stage, string.Create(CultureInfo.InvariantCulture, $"sent {report.Shard.Miner} {what} of norm {norm:0.0##e+0}, where {usual:0.0##e+0} is usual, for micro-batch {number}"));
            }
        }
    }

    /// <summary>What a suspect has open is wanted at once: of whom everything is refused, no segment becomes full.</summary>
    private async Task AskForSegmentAsync(ShardKey shard)
    {
        try
        {
            await _grains.GetGrain<ISwarmShardGrain>(shard.ToString()).HandInAsync(_id);
        }
        catch (Exception failure)
        {
            LogUnreachable(shard, failure);
        }
    }

    private void Suspect(string miner, int stage, string reason)
    {
        var shard = new ShardKey(_specification.Run, stage, miner);
        _suspicions.Add(miner, from: _chains.TryGetValue(shard, out var chain) ? chain.Next : 0);
        _recorder.Publish(new MinerSuspected { Step = _completedStep, Miner = miner, Stage = stage, Reason = reason });
        _ = AskForSegmentAsync(shard);
    }

    [LoggerMessage(LogLevel.Warning, "Segment {Segment} of {Shard} could not be checked")]
    private partial void LogNotAudited(ShardKey shard, long segment, Exception failure);

    [LoggerMessage(LogLevel.Error, "The penalty of {Miner} could not be stored")]
    private partial void LogNotPenalised(string miner, Exception failure);
}
