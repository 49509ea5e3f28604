namespace IotaOrleans;

/// <summary>Where a run can go on from: what is remembered with a checkpoint, besides the checkpoint itself.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RunPoint")]
public sealed record RunPoint
{
    /// <summary>The last step whose weights are in <see cref="Checkpoint"/>.</summary>
    [Id(0)]
    public long Step { get; init; }

    /// <summary>Folder of the checkpoint, or null before the first one.</summary>
    [Id(1)]
    public string? Checkpoint { get; init; }

    /// <summary>The epoch that <see cref="Step"/> belongs to.</summary>
    [Id(2)]
    public int Epoch { get; init; }

    /// <summary>Loss on the validation split, nats per token, at the last evaluation.</summary>
    [Id(3)]
    public double? ValidationLoss { get; init; }

    /// <summary>Time spent training up to the checkpoint, over all sessions.</summary>
    [Id(4)]
    public TimeSpan Elapsed { get; init; }

    /// <summary>Which micro-batches were done by <see cref="Step"/>, in elastic mode; null when they are all those up to it.</summary>
    [Id(5)]
    public LedgerPosition? Position { get; init; }

    /// <summary>The point that a stored state names.</summary>
    public static RunPoint Of(TrainingRunState state) => new()
    {
        Step = state.CheckpointStep,
        Checkpoint = state.Checkpoint,
        Epoch = state.Epoch,
        ValidationLoss = state.ValidationLoss,
        Elapsed = state.Elapsed,
        Position = state.Position,
    };
}
