using System.Globalization;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Measuring;

/// <summary>One run of the real program, <c>iota train</c>, with two stages, read from its step events.</summary>
internal sealed record ClusterTraining
{
    public required ModelPreset Preset { get; init; }

    /// <summary>The text to train on.</summary>
    public required string Text { get; init; }

    /// <summary>A folder for runs.</summary>
    public required string Folder { get; init; }

    public required int Steps { get; init; }

    public int MicroBatches { get; init; } = 8;

    /// <summary>Miner silos as processes of their own; zero embeds the miners.</summary>
    public int Silos { get; init; }

    public TrainingMode Mode { get; init; }

    /// <summary>The schedule, or null for the program's choice.</summary>
    public ScheduleKind? Schedule { get; init; }

    /// <summary>Further options.</summary>
    public IReadOnlyList<string> More { get; init; } = [];

    /// <summary>Tokens that one step learns from.</summary>
    public int TokensPerStep => MicroBatches * Preset.BatchSize * Preset.ContextLength;

    public IReadOnlyList<string> Arguments =>
    [
        "train",
        "--json",
        "--data", Text,
        "--preset", Preset.Name,
        "--stages", "2",
        .. Silos > 0 ? ["--silos", Whole(Silos)] : Array.Empty<string>(),
        "--mode", Mode == TrainingMode.Exact ? "exact" : "elastic",
        .. Schedule is { } schedule ? ["--schedule", ScheduleNames.Name(schedule)] : Array.Empty<string>(),
        "--batch-size", Whole(MicroBatches * Preset.BatchSize),
        "--micro-batches", Whole(MicroBatches),
        "--steps", Whole(Steps),
        "--evaluation-sequences", "1",
        "--sample-tokens", "0",
        "--log-interval", "1",
        "--runs", Path.Combine(Folder, "runs"),
        .. More,
    ];

    /// <summary>Trains; the first half of the steps is not counted.</summary>
    public async Task<ClusterFigures> RunAsync() => Read(await ChildProgram.RunAsync("iota.dll", Arguments));

    /// <summary>What a run showed by the lines that it printed.</summary>
    public ClusterFigures Read(IEnumerable<string> lines)
    {
        var steps = lines.Select(FinishedStep.Parse).OfType<FinishedStep>().ToDictionary(step => step.Step);
        var measured = steps.Values.Where(step => step.Step > Warmup(Steps)).ToArray();
        var counted = Steps - Warmup(Steps);
        return new ClusterFigures(
            counted * (double)TokensPerStep / (steps[Steps].At - steps[Warmup(Steps)].At).TotalSeconds,
            Comparison.Median([.. measured.Select(step => step.Bubble)]),
            Comparison.Median([.. measured.Select(step => step.ScheduledBubble)]));
    }

    /// <summary>Steps that are not counted, on any side: caches, and the runtime's compiler, which works beside the first half minute.</summary>
    public static int Warmup(int steps) => Math.Max(1, steps / 2);

    /// <summary>A text of whole sentences, so that a model has something to learn, and of 65 symbols, as many as tinyshakespeare has.</summary>
    public static async Task<string> WriteTextAsync(string folder)
    {
        const string Letters = "abcdefghijklmnopqrstuvwxyz";
        var text = Path.Combine(folder, "text.txt");
        await File.WriteAllTextAsync(text, string.Concat(Enumerable.Range(0, 40_000).Select(i =>
            $"{i} and {i * i % 97} make {i + (i * i % 97)} and says {char.ToUpperInvariant(Letters[i % 26])}{Letters[i * i % 26]}{Letters[i / 26 % 26]}.{(i % 10 == 0 ? '\n' : ' ')}")));
        return text;
    }

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a run showed.</summary>
/// <param name="TokensPerSecond">Its throughput.</param>
/// <param name="Bubble">Median share of a step in which its miners idled.</param>
/// <param name="ScheduledBubble">The share that the schedule's formula gives for passes as long as they were.</param>
internal sealed record ClusterFigures(double TokensPerSecond, double Bubble, double ScheduledBubble);
