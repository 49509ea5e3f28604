namespace IotaOrleans.Training.Models;

/// <summary>A model's shape with settings that train it well: what a person gets who chooses no number.</summary>
public sealed record ModelPreset
{
    /// <summary>The name by which it is chosen.</summary>
    public required string Name { get; init; }

    /// <summary>What it is for, in a few words.</summary>
    public required string Summary { get; init; }

    /// <summary>Number of decoder blocks.</summary>
    public required int BlockCount { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of query heads, and of key and value heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Tokens per sequence.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Sequences per step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Optimizer steps of a run.</summary>
    public required long Steps { get; init; }

    /// <summary>Optimizer and learning-rate schedule.</summary>
    public required OptimizerSettings Optimizer { get; init; }

    /// <summary>
    /// Width of the gated feed-forward layer: two thirds of 4·<see cref="HiddenSize"/>, which gives SwiGLU as many
    /// parameters as an ungated layer of four times the width (Shazeer, 2020), rounded up to a multiple of 8.
    /// </summary>
    public int IntermediateSize => (HiddenSize + 2) / 3 * 8;

    /// <summary>The model's shape for a tokenizer's vocabulary.</summary>
    public ModelConfiguration ToConfiguration(int vocabularySize) => new()
    {
        VocabularySize = vocabularySize,
        HiddenSize = HiddenSize,
        IntermediateSize = IntermediateSize,
        BlockCount = BlockCount,
        HeadCount = HeadCount,
        KeyValueHeadCount = HeadCount,
        ContextLength = ContextLength,
    };
}
