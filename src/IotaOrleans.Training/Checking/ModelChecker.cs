using System.Collections.Immutable;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using IotaOrleans.Training.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Training.Checking;

/// <summary>The result of a comparison.</summary>
/// <param name="Model">Folder of the model.</param>
/// <param name="Stages">Number of stages it was cut into.</param>
/// <param name="Parameters">Parameters read.</param>
/// <param name="Reference">What it was compared with: a file of measurements, or the model in one piece.</param>
/// <param name="MaxRelativeError">Largest relative error of loss, logits, gradient norms and optimizer steps.</param>
/// <param name="WorstMeasurement">Where that error is.</param>
/// <param name="Passed">Whether it is within the tolerance.</param>
public sealed record ModelCheckResult(string Model, int Stages, long Parameters, string Reference, double MaxRelativeError, string WorstMeasurement, bool Passed);

/// <summary>
/// Proves that a model, cut into stages, computes what it should: loss, logits, the norm of every tensor's gradient and ten AdamW steps,
/// against the <c>golden.json</c> of an independent implementation when the folder has one, otherwise against the model in one piece.
/// </summary>
public static class ModelChecker
{
    /// <summary>Largest relative error that passes.</summary>
    public const double Tolerance = 1e-4;

    /// <summary>File of an independent implementation's measurements.</summary>
    public const string ReferenceFileName = "golden.json";

    private const int OptimizerSteps = 10;

    /// <summary>Runs the comparison on a lane of its own.</summary>
    /// <param name="directory">Folder of the model.</param>
    /// <param name="stages">Chooses the blocks of each stage; a model with bottlenecks is cut where they are.</param>
    /// <exception cref="IotaException">The folder is no model, is damaged or of an unsupported shape.</exception>
    public static ModelCheckResult Check(string directory, Func<ModelConfiguration, ImmutableArray<BlockRange>> stages)
    {
        ModelConfiguration model;
        using (var source = ModelDirectory.Open(directory))
        {
            model = source.Configuration;
        }

        var cut = model.Bottleneck?.Stages(model.BlockCount) ?? stages(model);
        var referencePath = Path.Combine(directory, ReferenceFileName);
        using var lane = new ComputeLane("check");
        return lane.RunAsync(() =>
        {
            var isGolden = File.Exists(referencePath);
            var reference = isGolden ? ModelMeasurements.Read(referencePath) : Measure(model, directory, [new BlockRange(0, model.BlockCount)], Sample(model));
            var measured = Measure(model, directory, cut, reference);
            var (error, where) = Compare(measured, reference);
            return new ModelCheckResult(directory, cut.Length, ParameterLayout.CountParameters(model), isGolden ? ReferenceFileName : "one piece", error, where, error <= Tolerance);
        }).GetAwaiter().GetResult();
    }

    private static ModelMeasurements Sample(ModelConfiguration model)
    {
        var time = Math.Min(32, model.ContextLength);
        var rows = Enumerable.Range(0, 2).Select(row => Enumerable.Range(0, time + 1)
            .Select(place => (long)(CounterRandom.Uniform((ulong)row, (ulong)place) * model.VocabularySize)).ToImmutableArray()).ToArray();
        return new ModelMeasurements
        {
            InputIds = [.. rows.Select(row => row[..time])],
            Labels = [.. rows.Select(row => row[1..])],
            Optimizer = new OptimizerSettings(),
        };
    }

    private static ModelMeasurements Measure(ModelConfiguration model, string directory, ImmutableArray<BlockRange> cut, ModelMeasurements batch)
    {
        var stages = cut.Select(blocks => new StageTrainer(model, blocks, batch.Optimizer)).ToArray();
        try
        {
            foreach (var stage in stages)
            {
                StageLoader.LoadWeights(stage.Parameters, model, directory);
            }

            var (first, last, sum) = Logits(stages, batch);
            var loss = Pass(model, cut, stages, batch);
            var gradients = TensorNorms(stages, stage => stage.Parameters.Gradients);
            var steps = new List<(double, double)>();
            for (var step = 1; step <= OptimizerSteps; step++)
            {
                var stepLoss = step == 1 ? loss : Pass(model, cut, stages, batch);
                var norm = Math.Sqrt(stages.Sum(stage => GradientNorm.SumOfSquares(stage.Parameters.Gradients)) - TiedShare(model, stages));
                steps.Add((stepLoss, norm));
                foreach (var stage in stages)
                {
                    stage.Step(step, batch.Optimizer.LearningRate, GradientNorm.ClipScale(norm, batch.Optimizer.GradientClip));
                }
            }

            return batch with
            {
                Loss = loss,
                FirstLogits = first,
                LastLogits = last,
                LogitsSum = sum,
                GradientNorms = gradients,
                Steps = [.. steps],
                ParameterNorms = TensorNorms(stages, stage => stage.Parameters.Values),
            };
        }
        finally
        {
            foreach (var stage in stages)
            {
                stage.Dispose();
            }
        }
    }

    /// <summary>Forward and backward through all stages, with the same bytes between them as in a cluster.</summary>
    private static double Pass(ModelConfiguration model, ImmutableArray<BlockRange> cut, StageTrainer[] stages, ModelMeasurements batch)
    {
        int sequences = batch.InputIds.Length, time = batch.InputIds[0].Length;
        var between = Array.Empty<byte>();
        var tokens = batch.InputIds.SelectMany(row => row).ToArray();
        var labels = batch.Labels.SelectMany(row => row).ToArray();
        double loss = 0;
        for (var stage = 0; stage < stages.Length; stage++)
        {
            var output = new byte[stage == stages.Length - 1 ? 0 : Size(cut[stage].End)];
            loss = stages[stage].Forward(0, new StageInput { Tokens = tokens, Targets = labels, Activation = between }, time, output);
            between = output;
        }

        for (var stage = stages.Length - 1; stage >= 0; stage--)
        {
            var input = new byte[stage == 0 ? 0 : Size(cut[stage].First)];
            stages[stage].Backward(0, between, 1, input);
            between = input;
        }

        AddTiedGradients(model, stages);
        return loss;

        int Size(int block) => sequences * time * model.BoundaryWidth(block) * sizeof(float);
    }

    private static void AddTiedGradients(ModelConfiguration model, StageTrainer[] stages)
    {
        if (!model.TiedEmbeddings || stages.Length == 1)
        {
            return;
        }

        var head = stages[0].Parameters.GradientOf(LlamaStage.EmbeddingName);
        var tail = stages[^1].Parameters.GradientOf(LlamaStage.EmbeddingName);
        for (var i = 0; i < head.Length; i++)
        {
            head[i] = tail[i] = head[i] + tail[i];
        }
    }

    private static double TiedShare(ModelConfiguration model, StageTrainer[] stages) => model.TiedEmbeddings && stages.Length > 1
        ? GradientNorm.SumOfSquares(stages[^1].Parameters.GradientOf(LlamaStage.EmbeddingName))
        : 0;

    private static (ImmutableArray<double> First, ImmutableArray<double> Last, double Sum) Logits(StageTrainer[] stages, ModelMeasurements batch)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var hidden = tensor(batch.InputIds.SelectMany(row => row).ToArray()).view(batch.InputIds.Length, -1);
        foreach (var stage in stages)
        {
            hidden = stage.Stage.Forward(hidden);
        }

        return (Values(hidden[0, 0]), Values(hidden[-1, -1]), hidden.to(ScalarType.Float64).sum().item<double>());

        static ImmutableArray<double> Values(Tensor vector) => [.. vector.data<float>().ToArray().Select(value => (double)value)];
    }

    private delegate Span<float> Vector(StageTrainer stage);

    private static ImmutableDictionary<string, double> TensorNorms(StageTrainer[] stages, Vector vector)
    {
        var norms = ImmutableDictionary.CreateBuilder<string, double>();
        foreach (var stage in stages)
        {
            foreach (var slot in stage.Parameters.Layout.Slots)
            {
                norms[slot.Name] = Math.Sqrt(GradientNorm.SumOfSquares(vector(stage).Slice(checked((int)slot.Offset), checked((int)slot.Count))));
            }
        }

        return norms.ToImmutable();
    }

    private static (double Error, string Where) Compare(ModelMeasurements measured, ModelMeasurements reference)
    {
        var errors = new List<(double Error, string Where)>
        {
            (Relative(measured.Loss, reference.Loss), "loss"),
            (Relative(measured.LogitsSum, reference.LogitsSum), "sum of logits"),
            (Relative(measured.FirstLogits, reference.FirstLogits), "logits of the first token"),
            (Relative(measured.LastLogits, reference.LastLogits), "logits of the last token"),
        };
        for (var step = 0; step < reference.Steps.Length; step++)
        {
            errors.Add((Relative(measured.Steps[step].Loss, reference.Steps[step].Loss), $"loss of optimizer step {step + 1}"));
            errors.Add((Relative(measured.Steps[step].GradientNorm, reference.Steps[step].GradientNorm), $"gradient norm of optimizer step {step + 1}"));
        }

        foreach (var (name, norm) in reference.GradientNorms)
        {
            errors.Add((Relative(measured.GradientNorms.GetValueOrDefault(name, double.NaN), norm), $"gradient of {name}"));
        }

        foreach (var (name, norm) in reference.ParameterNorms)
        {
            errors.Add((Relative(measured.ParameterNorms.GetValueOrDefault(name, double.NaN), norm), $"{name} after {reference.Steps.Length} steps"));
        }

        return errors.MaxBy(entry => entry.Error);
    }

    private static double Relative(double measured, double reference)
    {
        var error = Math.Abs(measured - reference) / Math.Max(Math.Abs(reference), 1e-12);
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }

    /// <summary>Largest difference over the largest value: single logits may be close to zero.</summary>
    private static double Relative(ImmutableArray<double> measured, ImmutableArray<double> reference) => measured.Length != reference.Length
        ? double.PositiveInfinity
        : Relative(measured.Zip(reference, (left, right) => Math.Abs(left - right)).Max() + reference.Max(Math.Abs), reference.Max(Math.Abs));
}
