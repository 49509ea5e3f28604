namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>What may change when a run goes on; null leaves it as it was.</summary>
internal sealed record ResumeRequest
{
    public required string Run { get; init; }

    public long? Steps { get; init; }

    public int? Stages { get; init; }

    public int? Miners { get; init; }

    public IReadOnlyList<string>? RemoteMiners { get; init; }

    public int? Chunks { get; init; }

    public int? Silos { get; init; }

    public int? EvaluationInterval { get; init; }

    public int? EvaluationSequences { get; init; }

    public int? CheckpointInterval { get; init; }

    public int? CheckpointsKept { get; init; }

    public TrainingMode? Mode { get; init; }

    public ScheduleKind? Schedule { get; init; }

    public WireFormat? Wire { get; init; }
}
