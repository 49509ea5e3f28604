using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Training.Stages;

/// <summary>Fills a stage with weights: seeded ones, those of a model folder, or those of a checkpoint with its optimizer state.</summary>
public static class StageLoader
{
    /// <summary>The file of a checkpoint that holds the optimizer's moments.</summary>
    public const string OptimizerFileName = "optimizer.safetensors";

    /// <summary>Prefix of a tensor's running mean of the gradient.</summary>
    public const string FirstMomentPrefix = "first_moment.";

    /// <summary>Prefix of a tensor's running mean of the squared gradient.</summary>
    public const string SecondMomentPrefix = "second_moment.";

    /// <summary>The file of a checkpoint in elastic mode that holds the outer optimizer's state.</summary>
    public const string OuterFileName = "outer.safetensors";

    /// <summary>Prefix of a tensor's running sum of pseudo-gradients.</summary>
    public const string VelocityPrefix = "velocity.";

    /// <summary>Loads weights from a model folder, however many stages it was trained with.</summary>
    /// <exception cref="IotaException">The folder cannot be read, or holds a model of another shape.</exception>
    public static void LoadWeights(StageParameters parameters, ModelConfiguration model, string directory)
    {
        using var source = ModelDirectory.Open(directory);
        RequireSameShape(source.Configuration, model, directory);
        foreach (var slot in parameters.Layout.Slots)
        {
            source.ReadSingles(slot.Name, parameters.ValuesOf(slot.Name));
        }
    }

    /// <summary>Loads weights and optimizer state from a checkpoint.</summary>
    /// <exception cref="IotaException">The checkpoint cannot be read, or is of another shape.</exception>
    public static void LoadCheckpoint(StageTrainer trainer, ModelConfiguration model, string directory)
    {
        LoadWeights(trainer.Parameters, model, directory);
        using var optimizer = SafetensorsFile.Open(Path.Combine(directory, OptimizerFileName));
        foreach (var slot in trainer.Parameters.Layout.Slots)
        {
            var range = new Range(checked((int)slot.Offset), checked((int)(slot.Offset + slot.Count)));
            optimizer.ReadSingles(FirstMomentPrefix + slot.Name, trainer.Optimizer.FirstMoment[range]);
            optimizer.ReadSingles(SecondMomentPrefix + slot.Name, trainer.Optimizer.SecondMoment[range]);
        }
    }

    /// <summary>Loads the outer optimizer's state; a checkpoint of exact mode has none, and leaves it as it is.</summary>
    /// <exception cref="IotaException">The checkpoint cannot be read, or is of another shape.</exception>
    public static void LoadVelocity(ParameterLayout layout, string directory, Span<float> velocity)
    {
        var path = Path.Combine(directory, OuterFileName);
        if (!File.Exists(path))
        {
            return;
        }

        using var outer = SafetensorsFile.Open(path);
        foreach (var slot in layout.Slots)
        {
            outer.ReadSingles(VelocityPrefix + slot.Name, velocity.Slice(checked((int)slot.Offset), checked((int)slot.Count)));
        }
    }

    private static void RequireSameShape(ModelConfiguration found, ModelConfiguration expected, string directory)
    {
        // Context length and initial deviation do not change a tensor's shape.
        if (found with { ContextLength = expected.ContextLength, InitializerRange = expected.InitializerRange } != expected)
        {
            throw new IotaException(ExitCode.Model, $"{directory} holds a model of another shape: {Describe(found)}, expected {Describe(expected)}");
        }
    }

    private static string Describe(ModelConfiguration model) =>
        $"{model.BlockCount} blocks, width {model.HiddenSize}, feed-forward {model.IntermediateSize}, {model.HeadCount}/{model.KeyValueHeadCount} heads, vocabulary {model.VocabularySize}{(model.TiedEmbeddings ? ", tied" : "")}{Describe(model.Bottleneck)}";

    private static string Describe(Bottleneck? bottleneck) =>
        bottleneck is null ? "" : $", bottlenecks of {bottleneck.Width} before the blocks {string.Join(", ", bottleneck.Boundaries)}";
}
