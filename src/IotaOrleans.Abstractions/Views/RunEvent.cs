using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace IotaOrleans;

/// <summary>Something that happened in a run. As JSON, one object with an <c>event</c> name: the lines of <c>--json</c> and of the API.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RunEvent")]
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(RunStarted), "started")]
[JsonDerivedType(typeof(StepCompleted), "step")]
[JsonDerivedType(typeof(EvaluationCompleted), "evaluation")]
[JsonDerivedType(typeof(CheckpointWritten), "checkpoint")]
[JsonDerivedType(typeof(CheckpointFailed), "checkpointFailed")]
[JsonDerivedType(typeof(CheckpointDamaged), "checkpointDamaged")]
[JsonDerivedType(typeof(EpochClosed), "epoch")]
[JsonDerivedType(typeof(MembersChanged), "members")]
[JsonDerivedType(typeof(StageMerged), "merge")]
[JsonDerivedType(typeof(AuditsSealed), "seal")]
[JsonDerivedType(typeof(SegmentAudited), "audit")]
[JsonDerivedType(typeof(MinerSuspected), "suspicion")]
[JsonDerivedType(typeof(RunFinished), "finished")]
[JsonDerivedType(typeof(RunInterrupted), "interrupted")]
[JsonDerivedType(typeof(RunFailed), "failed")]
public abstract record RunEvent
{
    /// <summary>Position in the run's sequence of events, from one; set by the view.</summary>
    [Id(0)]
    public long Number { get; init; }

    /// <summary>When it happened.</summary>
    [Id(1)]
    public DateTimeOffset At { get; init; }

    /// <summary>The last optimizer step at that time.</summary>
    [Id(2)]
    public long Step { get; init; }
}

/// <summary>The shards are loaded and the first step begins.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RunStarted")]
public sealed record RunStarted : RunEvent
{
    /// <summary>The run.</summary>
    [Id(0)]
    public required string Run { get; init; }

    /// <summary>Step that the run will end at.</summary>
    [Id(1)]
    public required long Steps { get; init; }

    /// <summary>Trainable parameters of the whole model.</summary>
    [Id(2)]
    public required long Parameters { get; init; }

    /// <summary>Tokens per step.</summary>
    [Id(3)]
    public required long TokensPerStep { get; init; }

    /// <summary>The stages, with their holders.</summary>
    [Id(4)]
    public required ImmutableArray<StageView> Stages { get; init; }

    /// <summary>Miners that cheat on purpose, in a rehearsal.</summary>
    [Id(5)]
    public ImmutableArray<Adversary> Adversaries { get; init; } = [];

    /// <summary>What the session begins from.</summary>
    [Id(6)]
    public RunPoint? Point { get; init; }

    /// <summary>Why the session before gave way to this one, or null when it had ended.</summary>
    [Id(7)]
    public string? Reason { get; init; }
}

/// <summary>All stages have taken an optimizer step.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StepCompleted")]
public sealed record StepCompleted : RunEvent
{
    /// <summary>Mean training loss of the step, nats per token.</summary>
    [Id(0)]
    public required double Loss { get; init; }

    /// <summary>Norm of the whole model's gradient before clipping.</summary>
    [Id(1)]
    public double? GradientNorm { get; init; }

    /// <summary>Learning rate of the step.</summary>
    [Id(2)]
    public required double LearningRate { get; init; }

    /// <summary>Throughput over the last steps.</summary>
    [Id(3)]
    public required double TokensPerSecond { get; init; }

    /// <summary>Share of the step in which each shard computed, in the order of the run's stages and their miners, from 0 to 1.</summary>
    [Id(4)]
    public required ImmutableArray<double> BusyShares { get; init; }

    /// <summary>Share of the step in which the miners idled, on average.</summary>
    [Id(5)]
    public double Bubble { get; init; }

    /// <summary>The share that the schedule's formula gives for passes that take as long as those of this step did.</summary>
    [Id(6)]
    public double ScheduledBubble { get; init; }
}

/// <summary>The model was evaluated on the validation split.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.EvaluationCompleted")]
public sealed record EvaluationCompleted : RunEvent
{
    /// <summary>Loss on the validation split, nats per token.</summary>
    [Id(0)]
    public required double ValidationLoss { get; init; }
}

/// <summary>A checkpoint is complete on disk.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.CheckpointWritten")]
public sealed record CheckpointWritten : RunEvent
{
    /// <summary>Its folder.</summary>
    [Id(0)]
    public required string Checkpoint { get; init; }

    /// <summary>What the run goes on from now.</summary>
    [Id(1)]
    public RunPoint? Point { get; init; }
}

/// <summary>A checkpoint could not be written. Training goes on.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.CheckpointFailed")]
public sealed record CheckpointFailed : RunEvent
{
    /// <summary>Why, in one line.</summary>
    [Id(0)]
    public required string Reason { get; init; }
}

/// <summary>A checkpoint is not what was written, so the run goes on from the one before it.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.CheckpointDamaged")]
public sealed record CheckpointDamaged : RunEvent
{
    /// <summary>Its folder.</summary>
    [Id(0)]
    public required string Checkpoint { get; init; }

    /// <summary>Which of its files is wrong, and how, in one line.</summary>
    [Id(1)]
    public required string Reason { get; init; }
}

/// <summary>A reward epoch was settled.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.EpochClosed")]
public sealed record EpochClosed : RunEvent
{
    /// <summary>The settlement.</summary>
    [Id(0)]
    public required EpochSettlement Settlement { get; init; }

    /// <summary>The secret by which the epoch's checks were drawn, in hexadecimal; null when nothing is drawn. See <see cref="AuditsSealed"/>.</summary>
    [Id(1)]
    public string? AuditSecret { get; init; }
}

/// <summary>A miner came, went or changed its stage, in elastic mode.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MembersChanged")]
public sealed record MembersChanged : RunEvent
{
    /// <summary>The miner.</summary>
    [Id(0)]
    public required string Miner { get; init; }

    /// <summary>What happened to it.</summary>
    [Id(1)]
    public required MemberChange Change { get; init; }

    /// <summary>The stage that it holds now, or held last.</summary>
    [Id(2)]
    public required int Stage { get; init; }

    /// <summary>One sentence that says why.</summary>
    [Id(3)]
    public required string Reason { get; init; }

    /// <summary>All stages and their holders now.</summary>
    [Id(4)]
    public required ImmutableArray<StageView> Stages { get; init; }

    /// <summary>What a move promised, or null when nobody moved.</summary>
    [Id(5)]
    public SpeedPrediction? Predicted { get; init; }
}

/// <summary>What the planner expects of a move.</summary>
/// <param name="Before">Micro-batches per second that the run's slowest stage can do.</param>
/// <param name="After">Those of the slowest stage after the move.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SpeedPrediction")]
public sealed record SpeedPrediction([property: Id(0)] double Before, [property: Id(1)] double After);

/// <summary>What happened to a miner of a run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MemberChange>))]
public enum MemberChange
{
    /// <summary>It has the agreed version of its stage and works.</summary>
    Joined,

    /// <summary>It left in order.</summary>
    Left,

    /// <summary>It is gone; what it had under way was given out again.</summary>
    Lost,

    /// <summary>It was moved to a stage that was too slow.</summary>
    Moved,
}

/// <summary>Before an epoch: what determines its checks and does not show them. The secret behind it is in the epoch's <see cref="EpochClosed"/>.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.AuditsSealed")]
public sealed record AuditsSealed : RunEvent
{
    /// <summary>The epoch, from zero.</summary>
    [Id(0)]
    public required int Epoch { get; init; }

    /// <summary>SHA-256 of the secret, in hexadecimal.</summary>
    [Id(1)]
    public required string Commitment { get; init; }
}

/// <summary>Work of a miner was done again, or the miner was found to be wrong without that.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SegmentAudited")]
public sealed record SegmentAudited : RunEvent
{
    /// <summary>What came of it.</summary>
    [Id(0)]
    public required AuditVerdict Verdict { get; init; }
}

/// <summary>Something speaks against a miner that is no proof: all that it hands in is checked until enough of it has come out right.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MinerSuspected")]
public sealed record MinerSuspected : RunEvent
{
    /// <summary>The miner.</summary>
    [Id(0)]
    public required string Miner { get; init; }

    /// <summary>The stage it holds.</summary>
    [Id(1)]
    public required int Stage { get; init; }

    /// <summary>What speaks against it, in words that follow its name.</summary>
    [Id(2)]
    public required string Reason { get; init; }
}

/// <summary>The replicas of a stage merged, or tried to.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageMerged")]
public sealed record StageMerged : RunEvent
{
    /// <summary>How it went.</summary>
    [Id(0)]
    public required MergeReport Report { get; init; }
}

/// <summary>The last step is done.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RunFinished")]
public sealed record RunFinished : RunEvent
{
    /// <summary>Loss on the validation split after the last step, nats per token.</summary>
    [Id(0)]
    public required double ValidationLoss { get; init; }

    /// <summary>Mean throughput of this session, evaluations and checkpoints not counted.</summary>
    [Id(1)]
    public required double TokensPerSecond { get; init; }

    /// <summary>Folder of the last checkpoint.</summary>
    [Id(2)]
    public required string Checkpoint { get; init; }

    /// <summary>What each miner earned over the whole run.</summary>
    [Id(3)]
    public required ImmutableArray<MinerReward> Rewards { get; init; }

    /// <summary>Seconds from the first step of this session to its end.</summary>
    [Id(4)]
    public required double Seconds { get; init; }

    /// <summary>What the miners of this session sent to each other, or null in exact mode, where it is not counted.</summary>
    [Id(5)]
    public SentBytes? Sent { get; init; }
}

/// <summary>Bytes of tensors that miners sent to each other, whether over a network or within one process.</summary>
/// <param name="Activations">Activations and their gradients.</param>
/// <param name="Updates">Updates and merged cells.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SentBytes")]
public sealed record SentBytes([property: Id(0)] long Activations, [property: Id(1)] long Updates)
{
    /// <summary>Adds two counts.</summary>
    public static SentBytes operator +(SentBytes one, SentBytes other) => new(one.Activations + other.Activations, one.Updates + other.Updates);

    /// <summary>Adds two counts.</summary>
    public static SentBytes Add(SentBytes left, SentBytes right) => left + right;
}

/// <summary>The run stopped before its last step and can be resumed.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RunInterrupted")]
public sealed record RunInterrupted : RunEvent
{
    /// <summary>Folder of the last checkpoint, or null when none was written yet.</summary>
    [Id(0)]
    public string? Checkpoint { get; init; }
}

/// <summary>The run failed and can be resumed from its last checkpoint.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.RunFailed")]
public sealed record RunFailed : RunEvent
{
    /// <summary>Why, in one line.</summary>
    [Id(0)]
    public required string Failure { get; init; }

    /// <summary>Folder of the last checkpoint, or null when none was written yet.</summary>
    [Id(1)]
    public string? Checkpoint { get; init; }
}
