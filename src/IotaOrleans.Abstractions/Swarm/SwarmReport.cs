using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>What a shard did since its last report, in elastic mode.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SwarmReport")]
public sealed record SwarmReport
{
    /// <summary>The session.</summary>
    [Id(0)]
    public required Guid Session { get; init; }

    /// <summary>The shard.</summary>
    [Id(1)]
    public required ShardKey Shard { get; init; }

    /// <summary>Micro-batches whose gradient came all the way back; only the first stage knows them.</summary>
    [Id(2)]
    public ImmutableArray<CompletedMicroBatch> Completed { get; init; } = [];

    /// <summary>Losses, nats per token; only the last stage knows them.</summary>
    [Id(3)]
    public ImmutableArray<MicroBatchLoss> Losses { get; init; } = [];

    /// <summary>Micro-batches that the shard would take on now.</summary>
    [Id(4)]
    public int Wanted { get; init; }

    /// <summary>Forward passes.</summary>
    [Id(5)]
    public int ForwardPasses { get; init; }

    /// <summary>Backward passes.</summary>
    [Id(6)]
    public int BackwardPasses { get; init; }

    /// <summary>Time in which the shard computed.</summary>
    [Id(7)]
    public TimeSpan Busy { get; init; }

    /// <summary>Time since the last report.</summary>
    [Id(8)]
    public TimeSpan Elapsed { get; init; }

    /// <summary>What the shard sent.</summary>
    [Id(9)]
    public SentBytes Sent { get; init; } = new(0, 0);

    /// <summary>Segments that ended.</summary>
    [Id(10)]
    public ImmutableArray<SegmentRecord> Segments { get; init; } = [];

    /// <summary>Counts the shard's reports, from one: a repeated one gets the answer that it got before.</summary>
    [Id(11)]
    public long Sequence { get; init; }

    /// <summary>What neighbours sent that is out of all proportion.</summary>
    [Id(12)]
    public ImmutableArray<StrangeTensor> Strange { get; init; } = [];
}

/// <summary>A tensor that is out of all proportion to those that others sent.</summary>
/// <param name="Sender">Who sent it.</param>
/// <param name="Number">Its micro-batch: see <see cref="MicroBatchNumber"/>.</param>
/// <param name="Norm">The root of its mean square.</param>
/// <param name="Usual">The median of the last ones through the same boundary, or zero while that is not known.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StrangeTensor")]
public readonly record struct StrangeTensor([property: Id(0)] ShardKey Sender, [property: Id(1)] long Number, [property: Id(2)] double Norm, [property: Id(3)] double Usual);

/// <summary>A micro-batch that was run forward and backward by every stage.</summary>
/// <param name="Number">See <see cref="MicroBatchNumber"/>.</param>
/// <param name="Pathway">The miners that ran it, by stage.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.CompletedMicroBatch")]
public readonly record struct CompletedMicroBatch([property: Id(0)] long Number, [property: Id(1)] ImmutableArray<string> Pathway);

/// <summary>The loss of a micro-batch.</summary>
/// <param name="Number">See <see cref="MicroBatchNumber"/>.</param>
/// <param name="Loss">Nats per token.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MicroBatchLoss")]
public readonly record struct MicroBatchLoss([property: Id(0)] long Number, [property: Id(1)] double Loss);

/// <summary>
/// A run's micro-batches counted through: the first of step one is number zero. The number determines the tokens, and whoever counts
/// numbers counts every unit of work once.
/// </summary>
public static class MicroBatchNumber
{
    /// <summary>The optimizer step, from one, and the place in it, from zero.</summary>
    public static (long Step, int Index) PlaceOf(TrainingRunSpecification specification, long number) =>
        ((number / specification.MicroBatches) + 1, (int)(number % specification.MicroBatches));

    /// <summary>The first number of a step.</summary>
    public static long FirstOf(TrainingRunSpecification specification, long step) => (step - 1) * specification.MicroBatches;
}
