using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>What a person asked of a new run; null stands for "whatever suits".</summary>
internal sealed record TrainRequest
{
    public DataSourceOptions Data { get; init; } = new();

    public ModelPreset Preset { get; init; } = ModelPresets.Nano;

    public string? ConfigurationFile { get; init; }

    public string? InitialModel { get; init; }

    public int? ContextLength { get; init; }

    public int? Bottleneck { get; init; }

    public int? Stages { get; init; }

    public int? Miners { get; init; }

    /// <summary>Names of miners on other machines, or null when the miners are here.</summary>
    public IReadOnlyList<string>? RemoteMiners { get; init; }

    public int? Chunks { get; init; }

    public int? MicroBatches { get; init; }

    public TrainingMode Mode { get; init; }

    public SwarmSettings Swarm { get; init; } = new();

    public ScheduleKind Schedule { get; init; } = ScheduleKind.ZeroBubbleDouble;

    public WireFormat Wire { get; init; }

    public bool Recompute { get; init; }

    public StageBalance Balance { get; init; }

    public long? Steps { get; init; }

    public int? BatchSize { get; init; }

    public double? LearningRate { get; init; }

    public double? MinimumLearningRate { get; init; }

    public int? WarmupSteps { get; init; }

    public double? WeightDecay { get; init; }

    public double? Beta1 { get; init; }

    public double? Beta2 { get; init; }

    public double? GradientClip { get; init; }

    public ulong Seed { get; init; } = 1;

    public int EvaluationInterval { get; init; } = 250;

    public int EvaluationSequences { get; init; } = 256;

    public int CheckpointInterval { get; init; } = 500;

    public int CheckpointsKept { get; init; } = 3;

    public int EpochSteps { get; init; } = 100;

    public RewardPolicy Rewards { get; init; } = new() { Emission = 1_000_000 };

    public ValidationSettings Validation { get; init; } = new();

    public IReadOnlyList<AdversaryCount> Adversaries { get; init; } = [];
}

/// <summary>What stages of equal cost are cut by.</summary>
internal enum StageBalance
{
    /// <summary>Times of the model's parts on this machine.</summary>
    Measured,

    /// <summary>Multiplications: the same on every machine.</summary>
    Computed,
}
