using System.Diagnostics.CodeAnalysis;

namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Segments that wait to be checked, one after the other, in the order in which they came. Those that a suspect is judged by find room when
/// checks do not keep up with what is drawn, and every other check is one of theirs: no more, or whoever accuses others could put off the
/// check of its own. Not safe for several threads.
/// </summary>
/// <typeparam name="T">What is kept with a segment.</typeparam>
public sealed class AuditBacklog<T>(Suspicions suspicions)
{
    /// <summary>Most that wait at once. What they worked on is kept for so long, and settlements wait for them.</summary>
    public const int MostWaiting = 32;

    private readonly List<(ShardKey Shard, long Segment, T Kept)> _waiting = [];
    private bool _wasUrgent;

    /// <summary>Whether a segment that is drawn would be checked.</summary>
    public bool HasRoomFor(ShardKey shard, long segment) => suspicions.IsJudgedBy(shard.Miner, segment)
        ? _waiting.Count(waiting => waiting.Shard == shard && IsUrgent(waiting)) < Suspicions.ChecksThatClear
        : _waiting.Count < MostWaiting;

    /// <summary>Adds a segment.</summary>
    public void Add(ShardKey shard, long segment, T kept) => _waiting.Add((shard, segment, kept));

    /// <summary>Takes the one that is next.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryTake([MaybeNullWhen(false)] out T kept)
    {
        if (_waiting.Count == 0)
        {
            kept = default;
            return false;
        }

        var urgent = _wasUrgent ? -1 : _waiting.FindIndex(IsUrgent);
        _wasUrgent = urgent >= 0;
        var next = Math.Max(0, urgent);
        kept = _waiting[next].Kept;
        _waiting.RemoveAt(next);
        return true;
    }

    private bool IsUrgent((ShardKey Shard, long Segment, T Kept) waiting) => suspicions.IsJudgedBy(waiting.Shard.Miner, waiting.Segment);
}
