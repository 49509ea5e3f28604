using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.IO.Hashing;
using System.Text;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Adversaries;

/// <summary>Cheats in one of the ways of <see cref="AdversaryKind"/>. What it hands in agrees with what it sends: only doing the work again shows it.</summary>
internal sealed class Misconduct(Adversary adversary, ShardKey shard, ShardAssignment assignment) : Conduct
{
    private const float Noise = 0.01f;
    private const float Scale = 10;
    private const int OneIn = 10;

    /// <summary>As a value, or as the scale of a row, each wire format reads no number in it.</summary>
    private const byte NoNumber = 0xFF;
    private const int PassesWithoutFear = 64;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(3);

    /// <summary>What the first of somebody's identities in a stage handed in, for the others.</summary>
    private static readonly ConcurrentDictionary<(Guid Session, int Stage), (string Miner, SegmentRecord Segment)> Shared = new();

    private readonly Random _random = new(HashCode.Combine(assignment.Specification.Seed, shard.Stage));
    private byte[]? _firstActivation;
    private byte[]? _firstGradient;
    private int _fearless;
    private long _lastPass;
    private bool _skips;

    /// <inheritdoc />
    public override bool IsResting => adversary.Kind == AdversaryKind.SlowWalker && _lastPass != 0 && Stopwatch.GetElapsedTime(_lastPass) < Rest;

    /// <inheritdoc />
    public override bool Covers(ImmutableArray<string> pathway) => adversary.Kind == AdversaryKind.ColludingPair && IsShared(pathway);

    /// <inheritdoc />
    public override float AfterForward(long number, ImmutableArray<string> pathway, ReadOnlySpan<byte> input, Span<byte> output, float loss)
    {
        _lastPass = Stopwatch.GetTimestamp();
        switch (adversary.Kind)
        {
            case AdversaryKind.ColludingPair when IsShared(pathway):
                return 0.9f * loss;
            case AdversaryKind.Sybil:
            case AdversaryKind.FreeRider:
            case AdversaryKind.RareCheat when IsDrawn(number):
            case AdversaryKind.Unobserved when _fearless-- > 0:
                output.Clear();
                return 0.5f * loss;
            case AdversaryKind.Echo:
                Repeat(input, output);
                return loss;
            case AdversaryKind.StaleOutput:
                Repeat(_firstActivation ??= output.ToArray(), output);
                return loss;
            case AdversaryKind.LyingTail:
                return 0.9f * loss;
            case AdversaryKind.NoNumber:
                output.Fill(NoNumber);
                return loss;
            default:
                return loss;
        }
    }

    /// <inheritdoc />
    public override void AfterBackwardInput(long number, ImmutableArray<string> pathway, ReadOnlySpan<byte> input, Span<byte> output)
    {
        _lastPass = Stopwatch.GetTimestamp();
        switch (adversary.Kind)
        {
            case AdversaryKind.ColludingPair when IsShared(pathway):
                _skips = true;
                output.Clear();
                break;
            case AdversaryKind.Sybil:
            case AdversaryKind.FreeRider:
            case AdversaryKind.RareCheat when IsDrawn(number):
            case AdversaryKind.Unobserved when _fearless > 0:
                output.Clear();
                break;
            case AdversaryKind.Echo:
                Repeat(input, output);
                break;
            case AdversaryKind.StaleOutput:
                Repeat(_firstGradient ??= output.ToArray(), output);
                break;
            case AdversaryKind.NoisyGradient:
                Change(output, value => value + (Noise * (_random.NextSingle() - 0.5f)));
                break;
            case AdversaryKind.NoNumber:
                output.Fill(NoNumber);
                break;
            case AdversaryKind.ScaledGradient:
                Change(output, value => Scale * value);
                break;
        }
    }

    /// <inheritdoc />
    public override void BeforeUpdate(Span<float> gradients)
    {
        if (adversary.Kind == AdversaryKind.Copycat || _skips)
        {
            _skips = false;
            gradients.Clear();
            return;
        }

        // The first stage passes no gradients on: there the own ones are what it can spoil.
        var (scale, noise) = (adversary.Kind, shard.Stage) switch
        {
            (AdversaryKind.SignFlip, _) => (-1f, 0f),
            (AdversaryKind.ScaledGradient, 0) => (Scale, 0f),
            (AdversaryKind.NoisyGradient, 0) => (1f, Noise),
            _ => (1f, 0f),
        };
        if (scale == 1 && noise == 0)
        {
            return;
        }

        for (var i = 0; i < gradients.Length; i++)
        {
            gradients[i] = (scale * gradients[i]) + (noise * (_random.NextSingle() - 0.5f));
        }
    }

    /// <inheritdoc />
    public override void AfterReduce(Span<float> values)
    {
        if (adversary.Kind == AdversaryKind.CorruptReducer)
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = -values[i];
            }
        }
    }

    /// <inheritdoc />
    public override SwarmReport BeforeReport(SwarmReport report) => adversary.Kind switch
    {
        AdversaryKind.FalseReceipts => Inflate(report),
        AdversaryKind.Sybil => Share(report),
        _ => report,
    };

    /// <inheritdoc />
    public override void AfterCheck() => _fearless = PassesWithoutFear;

    /// <summary>The first stage says of micro-batches that they are done, its own twice and those of others once; other stages sign for passes that they did not run.</summary>
    private SwarmReport Inflate(SwarmReport report) => shard.Stage == 0
        ? report with { Completed = [.. report.Completed, .. report.Completed.SelectMany(done => new[] { done, done with { Number = done.Number + 1 } })] }
        : report with
        {
            Segments =
            [
                .. report.Segments.Select(segment => segment with
                {
                    Ops = [.. segment.Ops, .. segment.Ops.Where(op => op.Kind is TraceOpKind.Forward or TraceOpKind.BackwardInput or TraceOpKind.BackwardWeights).Select(op => op with { Number = op.Number + 1 })],
                }),
            ],
        };

    /// <summary>What one identity hands in, the others of its stage hand in as well, as if it were their own.</summary>
    private SwarmReport Share(SwarmReport report)
    {
        if (report.Segments.IsEmpty)
        {
            return report;
        }

        var shared = Shared.GetOrAdd((assignment.Session, shard.Stage), (shard.Miner, report.Segments[0]));
        return shared.Miner == shard.Miner
            ? report
            : report with { Segments = [.. report.Segments.Select(segment => shared.Segment with { Shard = shard, Index = segment.Index })] };
    }

    /// <summary>One in ten, of whichever micro-batches come to this miner: they come in an order that may know periods of its own.</summary>
    private bool IsDrawn(long number) => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes($"{shard.Miner}#{number}")) % OneIn == 0;

    /// <summary>Whether another one of the colluding miners ran the micro-batch as well.</summary>
    private bool IsShared(ImmutableArray<string> pathway) => pathway.Any(miner =>
        miner != shard.Miner && assignment.Specification.Adversaries.Any(other => other.Miner == miner && other.Kind == AdversaryKind.ColludingPair));

    private static void Repeat(ReadOnlySpan<byte> source, Span<byte> output)
    {
        output.Clear();
        source[..Math.Min(source.Length, output.Length)].CopyTo(output);
    }

    private void Change(Span<byte> wire, Func<float, float> change)
    {
        if (wire.IsEmpty)
        {
            return;
        }

        var format = assignment.Specification.WireFormat;
        var width = Boundaries.Width(assignment, FrameKind.Gradient);
        var values = new float[wire.Length / WireTensor.RowByteCount(format, width) * width];
        WireTensor.Unpack(format, wire, width, values);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = change(values[i]);
        }

        WireTensor.Pack(format, values, width, wire);
    }
}
