namespace IotaOrleans;

/// <summary>What a run needs to go on after any restart; stored whenever a checkpoint is complete and when the phase changes.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.TrainingRunState")]
public sealed record TrainingRunState
{
    /// <summary>What is being trained, and how.</summary>
    [Id(0)]
    public required TrainingRunSpecification Specification { get; init; }

    /// <summary>What the run is doing.</summary>
    [Id(1)]
    public RunPhase Phase { get; init; }

    /// <summary>The last step whose weights are in <see cref="Checkpoint"/>.</summary>
    [Id(2)]
    public long CheckpointStep { get; init; }

    /// <summary>Folder of the last complete checkpoint, or null.</summary>
    [Id(3)]
    public string? Checkpoint { get; init; }

    /// <summary>The epoch that <see cref="CheckpointStep"/> belongs to.</summary>
    [Id(4)]
    public int Epoch { get; init; }

    /// <summary>Loss on the validation split, nats per token, at the last evaluation.</summary>
    [Id(6)]
    public double? ValidationLoss { get; init; }

    /// <summary>Time spent training up to the checkpoint, over all sessions.</summary>
    [Id(7)]
    public TimeSpan Elapsed { get; init; }

    /// <summary>Why the run failed, or null.</summary>
    [Id(8)]
    public string? Failure { get; init; }

    /// <summary>Which micro-batches were done by <see cref="CheckpointStep"/>, in elastic mode; null when they are all those up to it.</summary>
    [Id(9)]
    public LedgerPosition? Position { get; init; }
}
