namespace IotaOrleans.Protocol.Attribution;

/// <summary>When a miner's losses count as evidence.</summary>
public sealed record ClaspSettings
{
    /// <summary>Chance that a look at honest miners accuses anybody at all, over all looks of a run together.</summary>
    public double FalseAlarmRate { get; init; } = 1e-4;

    /// <summary>Micro-batches below which a miner is not judged.</summary>
    public int MinimumSamples { get; init; } = 20;

    /// <summary>Effects below this many nats are no harm worth an accusation, however certain they are.</summary>
    public double SmallestEffect { get; init; } = 0.01;

    /// <summary>What earlier samples weigh when one more comes, at most 1: below it, old behaviour is forgotten.</summary>
    public double Memory { get; init; } = 1;
}
