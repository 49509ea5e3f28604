using System.CommandLine;
using System.Globalization;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using IotaOrleans.Training.Stages;
using TorchSharp;

namespace IotaOrleans.Benchmarks.Pipeline;

/// <summary>
/// The other side: one process, one loop, the whole model, gradient accumulation over the same micro-batches. It uses the project's own
/// model and fused optimizer, the fastest ones there are here, so that the comparison measures the pipeline and nothing else.
/// </summary>
internal static class PlainProcess
{
    public const string Name = "plain-process";

    public static Command Command()
    {
        var preset = new Option<string>("--preset") { Required = true };
        var data = new Option<string>("--data") { Required = true };
        var threads = new Option<int>("--threads") { Required = true };
        var microBatches = new Option<int>("--micro-batches") { Required = true };
        var command = new Command(Name, "One plain training loop without an end; prints when it had learnt from how many tokens. Started by the pipeline benchmark.") { preset, data, threads, microBatches };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            var shape = ModelPresets.All.Single(it => it.Name == parsed.GetValue(preset));
            foreach (var done in Train(shape, parsed.GetValue(data)!, parsed.GetValue(threads), parsed.GetValue(microBatches)))
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.UtcNow:O} {done}"));
            }
        });
        return command;
    }

    /// <summary>What a line says: when the loop had learnt from how many tokens.</summary>
    public static (DateTimeOffset At, double Tokens)? Parse(string line) => line.Split(' ') is [var at, var tokens]
        ? (DateTimeOffset.Parse(at, CultureInfo.InvariantCulture), double.Parse(tokens, CultureInfo.InvariantCulture))
        : null;

    // The tokens that were learnt from, after each step.
    private static IEnumerable<long> Train(ModelPreset preset, string directory, int threads, int microBatches)
    {
        NativeHeap.KeepFreed();
        torch.set_num_threads(threads);
        VectorFunctions.Prepare();
        using var data = TokenDataSet.Open(directory);
        var model = preset.ToConfiguration(data.VocabularySize);
        using var trainer = new StageTrainer(model, new BlockRange(0, model.BlockCount), preset.Optimizer);
        ParameterInitializer.Initialize(trainer.Parameters, model, 1);
        for (var step = 1; ; step++)
        {
            for (var index = 0; index < microBatches; index++)
            {
                var (tokens, targets) = Read(data, preset, step, index);
                trainer.Forward(index, new StageInput { Tokens = tokens, Targets = targets }, preset.ContextLength, []);
                trainer.Backward(index, [], 1f / microBatches, []);
            }

            var norm = Math.Sqrt(GradientNorm.SumOfSquares(trainer.Parameters.Gradients));
            trainer.Step(step, preset.Optimizer.LearningRate, GradientNorm.ClipScale(norm, preset.Optimizer.GradientClip));
            yield return (long)step * microBatches * preset.BatchSize * preset.ContextLength;
        }
    }

    private static (long[] Tokens, long[] Targets) Read(TokenDataSet data, ModelPreset preset, int step, int index)
    {
        var time = preset.ContextLength;
        var (tokens, targets) = (new long[preset.BatchSize * time], new long[preset.BatchSize * time]);
        Span<long> row = new long[time + 1];
        var offsets = DataSlice.Offsets(1, DataSplit.Train, step, index, preset.BatchSize, time, data.Train.Count);
        for (var sequence = 0; sequence < offsets.Length; sequence++)
        {
            data.Train.Read(offsets[sequence], row);
            row[..time].CopyTo(tokens.AsSpan(sequence * time));
            row[1..].CopyTo(targets.AsSpan(sequence * time));
        }

        return (tokens, targets);
    }
}
