using System.Diagnostics;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Training.Stages;

/// <summary>Measures what embedding, block and head of a model cost on this machine, for cutting it into stages of equal time.</summary>
public static class PartCostMeter
{
    private const int MostPasses = 7;
    private static readonly TimeSpan MostTimePerPart = TimeSpan.FromSeconds(2);

    /// <summary>Runs micro-batches through a first, a middle and a last stage of one block each. Call it on a compute lane.</summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="sequences">Sequences of a micro-batch.</param>
    /// <param name="contextLength">Tokens per sequence.</param>
    public static PartCosts Measure(ModelConfiguration model, int sequences, int contextLength)
    {
        var three = model with { BlockCount = 3, Bottleneck = null };
        var first = Time(three, 0, sequences, contextLength);
        var block = Time(three, 1, sequences, contextLength);
        var last = Time(three, 2, sequences, contextLength);
        return new PartCosts(Positive(first - block), block, Positive(last - block));
    }

    private static TimeSpan Time(ModelConfiguration model, int index, int sequences, int contextLength)
    {
        using var stage = new StageTrainer(model, new BlockRange(index, 1), new OptimizerSettings());
        ParameterInitializer.Initialize(stage.Parameters, model, seed: 1);
        var tokens = new long[sequences * contextLength];
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = (long)(CounterRandom.Uniform(1, (ulong)i) * model.VocabularySize);
        }

        var activation = new byte[(long)tokens.Length * model.HiddenSize * sizeof(float)];
        var (output, gradient) = (new byte[index == 2 ? 0 : activation.Length], new byte[index == 0 ? 0 : activation.Length]);
        var times = new List<TimeSpan>();
        var began = Stopwatch.GetTimestamp();
        // The first pass allocates and compiles; it counts only when there was time for no other.
        for (var pass = 0; pass < MostPasses && (pass < 2 || Stopwatch.GetElapsedTime(began) < MostTimePerPart); pass++)
        {
            var started = Stopwatch.GetTimestamp();
            stage.Forward(pass, new StageInput { Tokens = tokens, Targets = tokens, Activation = activation }, contextLength, output);
            stage.Backward(pass, output, 1, gradient);
            times.Add(Stopwatch.GetElapsedTime(started));
        }

        var counted = times.Skip(1).Order().ToArray();
        return counted[counted.Length / 2];
    }

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;
}
