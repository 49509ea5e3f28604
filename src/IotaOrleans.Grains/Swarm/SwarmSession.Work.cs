using System.Collections.Immutable;
using IotaOrleans.Protocol.Rewards;
using IotaOrleans.Protocol.Validation;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// What counts. In a run with checks, work counts when its miner has signed for it and the micro-batch's pathway names it; without checks the
/// pathway alone says who did it.
/// </summary>
internal sealed partial class SwarmSession
{
    private const int FaultyMergesThatConvict = 3;
    private const int LeastToCompare = 3;
    private const double StragglingShare = 0.1;
    private static readonly TimeSpan PatienceWithLastSegments = TimeSpan.FromSeconds(10);

    private readonly WorkClaims _claims = new();
    private readonly Dictionary<string, ImmutableArray<byte>> _keys = [];
    private readonly Dictionary<string, int> _faultyMerges = [];

    /// <summary>Who did next to nothing in the last epoch, though nothing that is known of it explains that.</summary>
    private readonly HashSet<string> _stragglers = [];
    private readonly Dictionary<ShardKey, long> _passesBefore = [];

    /// <summary>Shards that are no members any longer, but still hand in what they did.</summary>
    private readonly HashSet<ShardKey> _departing = [];

    /// <summary>Micro-batches that are done and signed for: what is not may be lost with this process, and is done again by the next one.</summary>
    private LedgerPosition SignedPosition
    {
        get
        {
            var position = _ledger.Position;
            return position with { Missing = [.. position.Missing.Union(_claims.Unsigned).Order()] };
        }
    }

    private bool Checks => _specification.Validation.Rate > 0;

    /// <summary>A shard begins, perhaps once more: its segments and reports are counted from the first again.</summary>
    private void BeginAnew(ShardKey shard)
    {
        _chains.Remove(shard);
        _answered.Remove(shard);
        _claims.Forget(shard, begins: true);
        _suspicions.BeginAnew(shard.Miner);
        // A miner that comes back in a new process may have a new key.
        _keys.Remove(shard.Miner);
    }

    private void NoteClaim(SwarmReport report, long number)
    {
        if (Checks)
        {
            _claims.NoteClaim(report.Shard, number, report.Segments.Length);
        }
    }

    /// <summary>Whether a pathway is one at all: a miner of each stage, beginning with the one that says so.</summary>
    private bool IsPossible(ShardKey claimant, ImmutableArray<string> pathway) =>
        claimant.Stage == 0 && !pathway.IsDefault && pathway.Length == _specification.Stages.Length && pathway[0] == claimant.Miner;

    private void CountPathway(long number, ImmutableArray<string> pathway)
    {
        if (Checks)
        {
            Count(_claims.AddPathway(number, pathway));
        }
        else
        {
            _recorder.Count(Receipts.OfPathway(_specification, OpenEpoch, number, pathway));
        }
    }

    private void CountSegment(SegmentRecord segment)
    {
        _recorder.Count(Receipts.OfSteps(_specification, OpenEpoch, segment), segment.Seal);
        var findings = _claims.Add(segment);
        Count(findings);
        if (findings.Unfounded is { } number)
        {
            var finding = $"does not contain micro-batch {number}, which its miner said was done";
            Await(ConvictAsync(new AuditVerdict(segment.Shard, segment.Index, AuditOutcome.Wrong, finding, 0, TimeSpan.Zero), OpenEpoch));
        }
    }

    private void Count(WorkFindings findings)
    {
        foreach (var pass in findings.Passes)
        {
            _recorder.Count(Receipts.OfPass(_specification, OpenEpoch, pass));
        }

        foreach (var pass in findings.Forfeited)
        {
            _recorder.Count([Receipts.OfForfeited(_specification, OpenEpoch, pass)]);
        }

        foreach (var dispute in findings.Disputes)
        {
            Settle(dispute, dispute.One, dispute.Stage, dispute.Other);
            Settle(dispute, dispute.Other, dispute.Stage + 1, dispute.One);
        }
    }

    /// <summary>One of the two is wrong: which one shows when its work is done again, or when it contradicts more others than can be wrong.</summary>
    private void Settle(Dispute dispute, string miner, int stage, string other)
    {
        if (_claims.MustBeWrong(miner, _members.Stages, _mostMembers))
        {
            if (_convicted.Add(miner))
            {
                Await(PunishAsync(new ShardKey(_specification.Run, stage, miner), OpenEpoch, $"{miner} signed for other bytes than several neighbours, {other} among them, for what passed between them"));
            }
        }
        else if (!_suspicions.IsSuspected(miner))
        {
            Suspect(miner, stage, $"signed for other bytes than {other} for what passed between them of micro-batch {dispute.Number}");
        }
    }

    private void NoteMerge(MergeReport report)
    {
        _recorder.Count(Receipts.OfMerge(_specification, OpenEpoch, report.Merge, report.Reduced));
        foreach (var miner in report.Faulty)
        {
            // Once can be an update that came too late to one of a cell's owners.
            _faultyMerges[miner] = _faultyMerges.GetValueOrDefault(miner) + 1;
            if (Checks && _faultyMerges[miner] == FaultyMergesThatConvict && _convicted.Add(miner))
            {
                Await(PunishAsync(
                    new ShardKey(_specification.Run, report.Merge.Stage, miner), OpenEpoch, $"{miner} reduced cells of stage {report.Merge.Stage} otherwise than the others, in {FaultyMergesThatConvict} merges"));
            }
        }
    }

    /// <summary>
    /// Looks, at the end of an epoch, for miners that do next to nothing beside others of their stage that said to be as fast. That is no cheat,
    /// and they are paid for what they do; but nobody should have to wait for them.
    /// </summary>
    private void NoteStragglers()
    {
        _stragglers.Clear();
        for (var stage = 0; stage < _members.Stages.Length; stage++)
        {
            // Miners that joined in this epoch have no count from before.
            var passes = _members.Stages[stage].Select(miner => new ShardKey(_specification.Run, stage, miner))
                .Where(shard => _completedStep <= _specification.EpochSteps || _passesBefore.ContainsKey(shard))
                .Select(shard => (shard.Miner, Speed: SpeedOf(shard.Miner), Passes: ActivityOf(shard).BackwardPasses - _passesBefore.GetValueOrDefault(shard)))
                .OrderBy(entry => entry.Passes)
                .ToArray();
            if (passes.Length < LeastToCompare)
            {
                continue;
            }

            var median = passes[passes.Length / 2];
            foreach (var slow in passes.Where(entry => entry.Passes < StragglingShare * median.Passes * Math.Min(1, median.Speed > 0 && entry.Speed > 0 ? entry.Speed / median.Speed : 1)))
            {
                _stragglers.Add(slow.Miner);
                Suspect(slow.Miner, stage, $"ran {slow.Passes} micro-batches in an epoch in which the median of its stage ran {median.Passes}");
                TakeBack(slow.Miner);
            }
        }

        foreach (var shard in Shards)
        {
            _passesBefore[shard] = ActivityOf(shard).BackwardPasses;
        }

        GiveToWaiting();
    }

    /// <summary>What a miner has under way is given out again.</summary>
    /// <returns>How many micro-batches that are.</returns>
    private int TakeBack(string miner)
    {
        var numbers = _ledger.Return(miner);
        foreach (var number in numbers)
        {
            _claims.NoteRepeated(number);
        }

        return numbers.Length;
    }

    /// <summary>A shard is gone for good: what it did not sign for is written down, and not paid.</summary>
    /// <returns>How many passes that are.</returns>
    private int Forfeit(ShardKey shard)
    {
        if (!Checks)
        {
            return 0;
        }

        var findings = _claims.Forfeit(shard);
        Count(findings);
        return findings.Forfeited.Length;
    }

    /// <summary>When nothing is left to be given out, what stragglers hold is given to others as well: the first to be done counts.</summary>
    private void TakeFromStragglers()
    {
        if (!_ledger.HasMore)
        {
            foreach (var miner in _stragglers)
            {
                TakeBack(miner);
            }
        }
    }

    /// <summary>Whether a segment was signed by the miner that it names, which keeps one key for as long as it is a member.</summary>
    private bool IsFrom(SegmentRecord segment, ShardKey shard)
    {
        if (segment.Shard == shard && SegmentHash.IsSealed(segment))
        {
            var key = segment.Seal!.PublicKey;
            if (!_keys.TryGetValue(shard.Miner, out var known))
            {
                _keys.Add(shard.Miner, known = key);
            }

            if (key.AsSpan().SequenceEqual(known.AsSpan()))
            {
                return true;
            }
        }

        LogNotSealed(segment.Shard, segment.Index);
        return false;
    }

    /// <summary>Takes in what shards have not handed in yet, because their work ends.</summary>
    private async Task CloseSegmentsAsync(IEnumerable<ShardKey> shards)
    {
        if (!Checks)
        {
            return;
        }

        await Task.WhenAll(shards.ToArray().Select(async shard =>
        {
            try
            {
                Receive(shard, await _grains.GetGrain<ISwarmShardGrain>(shard.ToString()).CloseSegmentAsync(_id).WaitAsync(PatienceWithLastSegments), isLast: true);
            }
            catch (Exception failure)
            {
                LogNotClosed(shard, failure);
            }
        }));
    }

    [LoggerMessage(LogLevel.Warning, "Segment {Segment} of {Shard} is not signed by its miner; it is passed over")]
    private partial void LogNotSealed(ShardKey shard, long segment);

    [LoggerMessage(LogLevel.Warning, "The last segment of {Shard} did not come; what it did in it does not count")]
    private partial void LogNotClosed(ShardKey shard, Exception failure);
}
