using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>What dashboards show of a run.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RunView")]
public sealed record RunView
{
    /// <summary>The run.</summary>
    [Id(0)]
    public required string Run { get; init; }

    /// <summary>What it is doing.</summary>
    [Id(1)]
    public RunPhase Phase { get; init; }

    /// <summary>The last completed step.</summary>
    [Id(2)]
    public long Step { get; init; }

    /// <summary>The step it will end at.</summary>
    [Id(3)]
    public long Steps { get; init; }

    /// <summary>Training loss of the last step, nats per token.</summary>
    [Id(4)]
    public double? Loss { get; init; }

    /// <summary>Loss of the last evaluation, nats per token.</summary>
    [Id(5)]
    public double? ValidationLoss { get; init; }

    /// <summary>Throughput over the last steps.</summary>
    [Id(6)]
    public double TokensPerSecond { get; init; }

    /// <summary>Estimated seconds to the last step, or null when unknown.</summary>
    [Id(7)]
    public double? SecondsRemaining { get; init; }

    /// <summary>Trainable parameters of the whole model.</summary>
    [Id(8)]
    public long Parameters { get; init; }

    /// <summary>Tokens trained on so far.</summary>
    [Id(9)]
    public long Tokens { get; init; }

    /// <summary>The open reward epoch.</summary>
    [Id(10)]
    public int Epoch { get; init; }

    /// <summary>The stages, in order.</summary>
    [Id(11)]
    public ImmutableArray<StageView> Stages { get; init; } = [];

    /// <summary>What each miner earned in closed epochs.</summary>
    [Id(12)]
    public ImmutableArray<MinerReward> Rewards { get; init; } = [];

    /// <summary>Training loss over the run, thinned to at most 500 points.</summary>
    [Id(13)]
    public ImmutableArray<LossPoint> Losses { get; init; } = [];

    /// <summary>Validation loss at each evaluation.</summary>
    [Id(14)]
    public ImmutableArray<LossPoint> ValidationLosses { get; init; } = [];

    /// <summary>Settled epochs, the newest last, at most 100.</summary>
    [Id(15)]
    public ImmutableArray<EpochSettlement> Epochs { get; init; } = [];

    /// <summary>Folder of the last checkpoint, or null.</summary>
    [Id(16)]
    public string? Checkpoint { get; init; }

    /// <summary>Why the run failed, or null.</summary>
    [Id(17)]
    public string? Failure { get; init; }

    /// <summary>When the last event arrived.</summary>
    [Id(18)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Tokens that one step trains on.</summary>
    [Id(19)]
    public long TokensPerStep { get; init; }

    /// <summary>Number of the last event in this view: whoever follows the events after it misses nothing.</summary>
    [Id(20)]
    public long LastEvent { get; init; }

    /// <summary>Share of the last steps in which the miners idled, on average.</summary>
    [Id(21)]
    public double Bubble { get; init; }

    /// <summary>The share that the schedule's formula gives for passes as long as they were.</summary>
    [Id(22)]
    public double ScheduledBubble { get; init; }
}

/// <summary>A stage as dashboards show it.</summary>
/// <param name="Stage">The stage, from zero.</param>
/// <param name="Blocks">Its decoder blocks.</param>
/// <param name="Miner">The miner that holds it.</param>
/// <param name="Parameters">Trainable parameters of the stage.</param>
/// <param name="BusyShare">Share of the last step in which it computed, from 0 to 1.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageView")]
public sealed record StageView(
    [property: Id(0)] int Stage,
    [property: Id(1)] BlockRange Blocks,
    [property: Id(2)] string Miner,
    [property: Id(3)] long Parameters,
    [property: Id(4)] double BusyShare);

/// <summary>A point of a loss curve.</summary>
/// <param name="Step">The optimizer step.</param>
/// <param name="Loss">Nats per token.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.LossPoint")]
public readonly record struct LossPoint([property: Id(0)] long Step, [property: Id(1)] double Loss);

/// <summary>What a miner earned in the closed epochs of a run.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Stage">The stage it held.</param>
/// <param name="BackwardPasses">Counted backward passes.</param>
/// <param name="Tokens">Tokens in them.</param>
/// <param name="Paid">Reward units.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MinerReward")]
public sealed record MinerReward(
    [property: Id(0)] string Miner,
    [property: Id(1)] int Stage,
    [property: Id(2)] long BackwardPasses,
    [property: Id(3)] long Tokens,
    [property: Id(4)] long Paid);
