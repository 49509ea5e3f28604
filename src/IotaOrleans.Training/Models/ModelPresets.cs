using System.Collections.Immutable;

namespace IotaOrleans.Training.Models;

/// <summary>The models that ship with the program. Embeddings are untied, so that the first and the last stage are alike.</summary>
public static class ModelPresets
{
    /// <summary>The shape of nanoGPT's configuration for a laptop's processor: a legible sample within a minute.</summary>
    public static ModelPreset Nano { get; } = new()
    {
        Name = "nano",
        Summary = "4 blocks of 128: learns to spell within a minute on a laptop",
        BlockCount = 4,
        HiddenSize = 128,
        HeadCount = 4,
        ContextLength = 64,
        BatchSize = 12,
        Steps = 1_000,
        Optimizer = new OptimizerSettings { LearningRate = 1e-3, MinimumLearningRate = 1e-4, WarmupSteps = 100, Beta2 = 0.99 },
    };

    /// <summary>Large enough to learn grammar, small enough for a coffee break.</summary>
    public static ModelPreset Tiny { get; } = new()
    {
        Name = "tiny",
        Summary = "6 blocks of 256: a coffee break",
        BlockCount = 6,
        HiddenSize = 256,
        HeadCount = 8,
        ContextLength = 128,
        BatchSize = 8,
        Steps = 2_000,
        Optimizer = new OptimizerSettings { LearningRate = 1e-3, MinimumLearningRate = 1e-4, WarmupSteps = 100, Beta2 = 0.99 },
    };

    /// <summary>The size class of GPT-2 small.</summary>
    public static ModelPreset Small { get; } = new()
    {
        Name = "small",
        Summary = "12 blocks of 768, the class of GPT-2 small: wants many silos and a night",
        BlockCount = 12,
        HiddenSize = 768,
        HeadCount = 12,
        ContextLength = 512,
        BatchSize = 4,
        Steps = 10_000,
        Optimizer = new OptimizerSettings { LearningRate = 3e-4, MinimumLearningRate = 3e-5, WarmupSteps = 500 },
    };

    /// <summary>All presets, the smallest first.</summary>
    public static ImmutableArray<ModelPreset> All { get; } = [Nano, Tiny, Small];
}
