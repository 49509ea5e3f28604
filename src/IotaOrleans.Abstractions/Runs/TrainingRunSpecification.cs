using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>Everything that determines a training run: two runs of one specification in exact mode have the same bits.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.TrainingRunSpecification")]
public sealed record TrainingRunSpecification
{
    /// <summary>The run's name; the key of its grains.</summary>
    [Id(0)]
    public required string Run { get; init; }

    /// <summary>Determines initial weights and data order.</summary>
    [Id(1)]
    public required ulong Seed { get; init; }

    /// <summary>The model's shape.</summary>
    [Id(2)]
    public required ModelConfiguration Model { get; init; }

    /// <summary>The blocks of each stage, in order; the first stage also embeds, the last also predicts.</summary>
    [Id(3)]
    public required ImmutableArray<BlockRange> Stages { get; init; }

    /// <summary>The miners of each stage, in stage order; all of a stage hold the same weights. In elastic mode, those of the start.</summary>
    [Id(4)]
    public required ImmutableArray<ImmutableArray<string>> Miners { get; init; }

    /// <summary>Sequences per step.</summary>
    [Id(5)]
    public required int BatchSize { get; init; }

    /// <summary>Micro-batches per step; divides <see cref="BatchSize"/>.</summary>
    [Id(6)]
    public required int MicroBatches { get; init; }

    /// <summary>Tokens per sequence.</summary>
    [Id(7)]
    public required int ContextLength { get; init; }

    /// <summary>Optimizer steps of the whole run.</summary>
    [Id(8)]
    public required long Steps { get; init; }

    /// <summary>Optimizer and learning-rate schedule.</summary>
    [Id(9)]
    public OptimizerSettings Optimizer { get; init; } = new();

    /// <summary>Steps between evaluations on the validation split; an evaluation also follows the last step.</summary>
    [Id(10)]
    public int EvaluationInterval { get; init; } = 250;

    /// <summary>Sequences of one evaluation.</summary>
    [Id(11)]
    public int EvaluationSequences { get; init; } = 256;

    /// <summary>Steps between checkpoints; a checkpoint also follows the last step.</summary>
    [Id(12)]
    public int CheckpointInterval { get; init; } = 500;

    /// <summary>How many checkpoints are kept, the newest.</summary>
    [Id(27)]
    public int CheckpointsKept { get; init; } = 3;

    /// <summary>Steps of one reward epoch.</summary>
    [Id(13)]
    public int EpochSteps { get; init; } = 500;

    /// <summary>The rules by which an epoch's emission is divided.</summary>
    [Id(26)]
    public RewardPolicy Rewards { get; init; } = new() { Emission = 1_000_000 };

    /// <summary>When a step ends.</summary>
    [Id(15)]
    public TrainingMode Mode { get; init; }

    /// <summary>The order of forward and backward passes.</summary>
    [Id(16)]
    public ScheduleKind Schedule { get; init; } = ScheduleKind.OneForwardOneBackward;

    /// <summary>Folder of the prepared token files (<c>train.bin</c>, <c>val.bin</c>, <c>data.json</c>).</summary>
    [Id(17)]
    public required string DataDirectory { get; init; }

    /// <summary>Folder that receives checkpoints.</summary>
    [Id(18)]
    public required string CheckpointDirectory { get; init; }

    /// <summary>Folder of a model to start from instead of seeded weights, or null.</summary>
    [Id(19)]
    public string? InitialModel { get; init; }

    /// <summary>Stages that each miner holds; more than one only when the schedule is interleaved.</summary>
    [Id(20)]
    public int Chunks { get; init; } = 1;

    /// <summary>How activations and their gradients travel between stages.</summary>
    [Id(21)]
    public WireFormat WireFormat { get; init; }

    /// <summary>Whether a waiting micro-batch keeps its input only and is run forward again by its backward pass.</summary>
    [Id(22)]
    public bool Recompute { get; init; }

    /// <summary>How replicas work and merge in elastic mode.</summary>
    [Id(23)]
    public SwarmSettings Swarm { get; init; } = new();

    /// <summary>How work is checked in elastic mode.</summary>
    [Id(24)]
    public ValidationSettings Validation { get; init; } = new();

    /// <summary>Miners that cheat on purpose, for rehearsals: what the checks find is shown on a real run.</summary>
    [Id(25)]
    public ImmutableArray<Adversary> Adversaries { get; init; } = [];

    /// <summary>Miners that a micro-batch passes, each once per chunk.</summary>
    public int Ranks => Stages.Length / Chunks;

    /// <summary>Every miner's copy of its stage, by stage.</summary>
    public ImmutableArray<ShardKey> Shards => [.. Miners.SelectMany((miners, stage) => miners.Select(miner => new ShardKey(Run, stage, miner)))];

    /// <summary>Sequences per micro-batch.</summary>
    public int MicroBatchSize => BatchSize / MicroBatches;

    /// <summary>Tokens that one step trains on.</summary>
    public long TokensPerStep => (long)BatchSize * ContextLength;
}
