using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Telemetry;

/// <summary>
/// What the system measures about itself. Tags are bounded: a stage, a direction, a kind; never a run, a miner or a key,
/// each of which would start a time series of its own for ever.
/// </summary>
public static class IotaInstruments
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string MeterName = "IotaOrleans";

    /// <summary>Name of the histogram of steps.</summary>
    public const string StepDurationName = "iota.step.duration";

    /// <summary>Name of the histogram of micro-batches.</summary>
    public const string MicroBatchDurationName = "iota.microbatch.duration";

    /// <summary>Name of the gauge of tensors.</summary>
    public const string LiveTensorsName = "iota.stage.live_tensors";

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("iota.tokens", "{token}", "Tokens trained on");

    private static readonly Counter<long> MicroBatches = Meter.CreateCounter<long>("iota.microbatches", "{microbatch}", "Micro-batches computed");

    private static readonly Counter<long> WireBytes = Meter.CreateCounter<long>("iota.wire.bytes", "By", "Bytes of frames sent to other silos");

    private static readonly Histogram<double> StepDuration = Meter.CreateHistogram<double>(StepDurationName, "s", "Duration of an optimizer step");

    private static readonly Histogram<double> MicroBatchDuration =
        Meter.CreateHistogram<double>(MicroBatchDurationName, "s", "Time that a stage computed on one micro-batch");

    private static readonly Gauge<double> Loss = Meter.CreateGauge<double>("iota.loss", "nat", "Training loss of the last step, per token");

    private static readonly Gauge<double> BusyShare = Meter.CreateGauge<double>("iota.stage.busy_share", "1", "Share of the last step in which a miner computed for its stage");

    private static readonly Gauge<long> LiveTensors = Meter.CreateGauge<long>(LiveTensorsName, "{tensor}", "Tensors alive on a stage's thread after an order");

    private static readonly ObservableGauge<long> LeasedFrames =
        Meter.CreateObservableGauge("iota.frames.leased", () => FramePool.Shared.Leased, "{frame}", "Frames whose memory is lent out");

    /// <summary>The source of our own traces.</summary>
    public static ActivitySource Activities { get; } = new(MeterName);

    /// <summary>Records an optimizer step of a whole run.</summary>
    /// <param name="step">The step.</param>
    /// <param name="shards">Who computed, in the order of the step's busy shares.</param>
    /// <param name="tokens">Tokens that it trained on.</param>
    /// <param name="duration">Time since the step before, or null when it is unknown.</param>
    public static void RecordStep(StepCompleted step, ImmutableArray<StageView> shards, long tokens, TimeSpan? duration)
    {
        Tokens.Add(tokens);
        Loss.Record(step.Loss);
        foreach (var (shard, share) in shards.Zip(step.BusyShares))
        {
            BusyShare.Record(share, new KeyValuePair<string, object?>("stage", shard.Stage), new KeyValuePair<string, object?>("miner", shard.Miner));
        }

        if (duration is { } elapsed)
        {
            StepDuration.Record(elapsed.TotalSeconds);
        }
    }

    /// <summary>Records a micro-batch that a stage computed.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="pass">What it ran; anything but a pass of a micro-batch is not recorded.</param>
    /// <param name="duration">Time spent computing.</param>
    public static void RecordMicroBatch(int stage, StageOpKind pass, TimeSpan duration)
    {
        var direction = pass switch
        {
            StageOpKind.Forward => "forward",
            StageOpKind.Backward => "backward",
            StageOpKind.BackwardInput => "backward-input",
            StageOpKind.BackwardWeights => "backward-weights",
            _ => null,
        };
        if (direction is null)
        {
            return;
        }

        var tags = new TagList { { "stage", stage }, { "direction", direction } };
        MicroBatches.Add(1, tags);
        MicroBatchDuration.Record(duration.TotalSeconds, tags);
    }

    /// <summary>Records what is left on a stage's thread after an order.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="count">Tensors that were made there and not disposed.</param>
    public static void RecordLiveTensors(int stage, long count) => LiveTensors.Record(count, new KeyValuePair<string, object?>("stage", stage));

    /// <summary>Records a frame that left for another silo.</summary>
    /// <param name="kind">"activation", "gradient" or another kind of frame.</param>
    /// <param name="bytes">Its size.</param>
    public static void RecordWireBytes(string kind, long bytes) => WireBytes.Add(bytes, new KeyValuePair<string, object?>("kind", kind));
}
