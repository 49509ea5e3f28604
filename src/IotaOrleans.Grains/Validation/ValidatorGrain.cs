using System.Collections.Immutable;
using IotaOrleans.Grains.Placement;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Validation;

/// <summary>See <see cref="IValidatorGrain"/>.</summary>
[ControlPlacement]
internal sealed partial class ValidatorGrain(IGrainFactory grains, ValidatorLane lane, ILogger<ValidatorGrain> logger) : Grain, IValidatorGrain
{
    private const int ChunkByteCount = 4 << 20;

    // Settlements wait for checks: a silo that has died, which nobody knows yet, must not hold them up for as long as a call may take.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <inheritdoc />
    public async Task<AuditVerdict> AuditAsync(ShardAssignment assignment, SegmentRecord segment, string? hardware)
    {
        if (hardware is not null && hardware != HardwareClass.Own)
        {
            return Verdict(segment, AuditOutcome.Incomparable, $"computes on another kind of processor or with another version ({hardware}) than the validator ({HardwareClass.Own})");
        }

        var shard = grains.GetGrain<ISwarmShardGrain>(segment.Shard.ToString());
        var evidence = new Dictionary<UInt128, ReadOnlyMemory<byte>>();
        try
        {
            foreach (var hash in SegmentEvidence.Of(segment))
            {
                if (await FetchAsync(shard, assignment.Session, hash) is not { } bytes)
                {
                    return Verdict(segment, AuditOutcome.Declined, "did not show the bytes that it had handed in the hash of");
                }

                evidence.Add(hash, bytes);
            }
        }
        catch (Exception failure) when (failure is IotaException or OrleansException or TimeoutException)
        {
            LogLost(segment.Shard, segment.Index, failure);
            return Verdict(segment, AuditOutcome.Lost, "was lost before it could be checked");
        }

        _ = ReleaseAsync(shard, assignment.Session, segment.Index);
        return await lane.RunAsync(() => Replay(assignment, segment, evidence));
    }

    private AuditVerdict Replay(ShardAssignment assignment, SegmentRecord segment, Dictionary<UInt128, ReadOnlyMemory<byte>> evidence)
    {
        var specification = assignment.Specification;
        var readsData = assignment.Stage == 0 || assignment.Stage == specification.Stages.Length - 1;
        using var data = readsData ? new ShardData(specification, TokenDataSet.Open(specification.DataDirectory)) : null;
        var verdict = new SegmentReplay(assignment, segment, evidence, TokensOf).Judge();
        if (verdict.Outcome == AuditOutcome.Wrong || specification.Validation.KeepsChecks)
        {
            Keep(new SegmentBundle(assignment with { Specification = specification }, segment, verdict, HardwareClass.Own, evidence, TokensOf));
        }

        return verdict;

        (long[] Tokens, long[] Targets) TokensOf(long number)
        {
            var (step, index) = MicroBatchNumber.PlaceOf(specification, number);
            return data?.ReadTraining(step, index) ?? ([], []);
        }
    }

    /// <summary>Whoever was found to be wrong, and everybody else, can do the check again without the cluster.</summary>
    private void Keep(SegmentBundle bundle)
    {
        var file = bundle.FileIn(bundle.Assignment.Specification);
        try
        {
            bundle.Write(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogNotKept(file, failure);
        }
    }

    private static AuditVerdict Verdict(SegmentRecord segment, AuditOutcome outcome, string finding) => new(segment.Shard, segment.Index, outcome, finding, 0, TimeSpan.Zero);

    private static async Task<ReadOnlyMemory<byte>?> FetchAsync(ISwarmShardGrain shard, Guid session, UInt128 hash)
    {
        var chunks = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        for (var offset = 0L; ;)
        {
            var chunk = await shard.ReadEvidenceAsync(session, hash, offset, ChunkByteCount).WaitAsync(Patience);
            if (chunk.Length == 0)
            {
                break;
            }

            chunks.Add(chunk);
            offset += chunk.Length;
            if (chunk.Length < ChunkByteCount)
            {
                break;
            }
        }

        var whole = chunks.Count == 1 ? chunks[0] : chunks.SelectMany(chunk => chunk.ToArray()).ToArray();
        return whole.Length > 0 && EvidenceHash.Of(whole.Span) == hash ? whole : null;
    }

    private async Task ReleaseAsync(ISwarmShardGrain shard, Guid session, long segment)
    {
        try
        {
            await shard.ReleaseSegmentAsync(session, segment);
        }
        catch (Exception failure)
        {
            // It ends with the session anyway.
            LogNotReleased(shard.GetPrimaryKeyString(), segment, failure);
        }
    }

    [LoggerMessage(LogLevel.Information, "Segment {Segment} of {Shard} could not be fetched")]
    private partial void LogLost(ShardKey shard, long segment, Exception failure);

    [LoggerMessage(LogLevel.Warning, "What a check was made from could not be kept in {File}")]
    private partial void LogNotKept(string file, Exception failure);

    [LoggerMessage(LogLevel.Debug, "Segment {Segment} of {Shard} was not released")]
    private partial void LogNotReleased(string shard, long segment, Exception failure);
}
