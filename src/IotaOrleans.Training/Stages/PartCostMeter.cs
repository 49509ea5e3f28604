using System.Diagnostics;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Training.Stages;

/// <summary>Measures what embedding, block and head of a model cost on this machine, for cutting it into stages of equal time.</summary>
public static class PartCostMeter
{
    private const int MostRounds = 7;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(6);

    /// <summary>
    /// Runs micro-batches through a first, a middle and a last stage of one block each. They take turns, so that whatever else the machine
    /// does falls on all of them alike. Call it on a compute lane.
    /// </summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="sequences">Sequences of a micro-batch.</param>
    /// <param name="contextLength">Tokens per sequence.</param>
    public static PartCosts Measure(ModelConfiguration model, int sequences, int contextLength)
    {
        var three = model with { BlockCount = 3, Bottleneck = null };
        var tokens = new long[sequences * contextLength];
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = (long)(CounterRandom.Uniform(1, (ulong)i) * model.VocabularySize);
        }

        using var first = Stage(three, 0);
        using var middle = Stage(three, 1);
        using var last = Stage(three, 2);
        var activation = new byte[(long)tokens.Length * model.HiddenSize * sizeof(float)];
        var (output, gradient) = (new byte[activation.Length], new byte[activation.Length]);
        var rounds = new List<(TimeSpan First, TimeSpan Middle, TimeSpan Last)>();
        var began = Stopwatch.GetTimestamp();
        // The first round allocates and compiles, and is not counted.
        for (var round = 0; round < MostRounds && (round < 2 || Stopwatch.GetElapsedTime(began) < MostTime); round++)
        {
            rounds.Add((Time(first, round, output, []), Time(middle, round, output, gradient), Time(last, round, [], gradient)));
        }

        return Costs([.. rounds.Skip(1)]);

        TimeSpan Time(StageTrainer stage, int number, byte[] outgoing, byte[] back)
        {
            var started = Stopwatch.GetTimestamp();
            stage.Forward(number, new StageInput { Tokens = tokens, Targets = tokens, Activation = activation }, contextLength, outgoing);
            stage.Backward(number, outgoing, 1, back);
            return Stopwatch.GetElapsedTime(started);
        }
    }

    /// <summary>What the parts cost, from the times of one block with the embedding, alone, and with the head, in several rounds.</summary>
    internal static PartCosts Costs(IReadOnlyList<(TimeSpan First, TimeSpan Middle, TimeSpan Last)> rounds) => new(
        Positive(Median(rounds.Select(round => round.First - round.Middle))),
        Median(rounds.Select(round => round.Middle)),
        Positive(Median(rounds.Select(round => round.Last - round.Middle))));

    private static StageTrainer Stage(ModelConfiguration model, int index)
    {
        var stage = new StageTrainer(model, new BlockRange(index, 1), new OptimizerSettings());
        ParameterInitializer.Initialize(stage.Parameters, model, seed: 1);
        return stage;
    }

    private static TimeSpan Median(IEnumerable<TimeSpan> times)
    {
        var ordered = times.Order().ToArray();
        return ordered[ordered.Length / 2];
    }

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;
}
