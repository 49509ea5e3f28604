namespace IotaOrleans.Protocol.Validation;

/// <summary>What two neighbours signed for does not fit: so far.</summary>
/// <param name="number">The micro-batch.</param>
/// <param name="microBatch">What is known of it.</param>
/// <param name="stage">The earlier stage.</param>
/// <param name="one">Its miner.</param>
/// <param name="other">The miner of the next stage.</param>
internal sealed class Doubt(long number, MicroBatchClaims microBatch, int stage, string one, string other)
{
    /// <summary>One report with segments may be under way, the next may bring only those that had ended meanwhile: the third brings the one that was open.</summary>
    private const int ReportsThatSayAll = 3;

    private int _ofOne = ReportsThatSayAll;
    private int _ofOther = ReportsThatSayAll;

    /// <summary>The micro-batch.</summary>
    public long Number => number;

    /// <summary>What is known of it.</summary>
    public MicroBatchClaims MicroBatch => microBatch;

    /// <summary>The earlier stage.</summary>
    public int Stage => stage;

    /// <summary>Its miner.</summary>
    public string One => one;

    /// <summary>The miner of the next stage.</summary>
    public string Other => other;

    /// <summary>Whether a shard is one of the two.</summary>
    public bool IsOf(ShardKey shard) => (shard.Stage, shard.Miner) == (stage, one) || (shard.Stage, shard.Miner) == (stage + 1, other);

    /// <summary>Notes a report of one of the two, in which nothing was that fits.</summary>
    /// <param name="shard">Which one.</param>
    /// <param name="segments">How many segments came with it.</param>
    /// <param name="isLast">Whether it has nothing open any longer.</param>
    /// <returns>Whether both have said all.</returns>
    public bool NoteReport(ShardKey shard, int segments, bool isLast)
    {
        var reports = isLast ? ReportsThatSayAll : segments > 0 ? 1 : 0;
        (_ofOne, _ofOther) = shard.Stage == stage ? (_ofOne - reports, _ofOther) : (_ofOne, _ofOther - reports);
        return _ofOne <= 0 && _ofOther <= 0;
    }
}
