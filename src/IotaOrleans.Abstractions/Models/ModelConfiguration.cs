namespace IotaOrleans;

/// <summary>The shape of a Llama decoder, in the terms of a Hugging Face <c>config.json</c>.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ModelConfiguration")]
public sealed record ModelConfiguration
{
    /// <summary>Number of token ids; rows of the embedding.</summary>
    [Id(0)]
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [Id(1)]
    public required int HiddenSize { get; init; }

    /// <summary>Width of the gated feed-forward layer.</summary>
    [Id(2)]
    public required int IntermediateSize { get; init; }

    /// <summary>Number of decoder blocks.</summary>
    [Id(3)]
    public required int BlockCount { get; init; }

    /// <summary>Number of query heads.</summary>
    [Id(4)]
    public required int HeadCount { get; init; }

    /// <summary>Number of key and value heads; divides <see cref="HeadCount"/>.</summary>
    [Id(5)]
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    [Id(6)]
    public required int ContextLength { get; init; }

    /// <summary>Added to the mean square before the root in RMSNorm.</summary>
    [Id(7)]
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Base of the rotary position embedding's frequencies.</summary>
    [Id(8)]
    public double RotaryBase { get; init; } = 10000;

    /// <summary>Whether the LM head is the embedding's transpose.</summary>
    [Id(9)]
    public bool TiedEmbeddings { get; init; }

    /// <summary>Standard deviation of freshly initialised matrices.</summary>
    [Id(10)]
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>The narrow places between stages, or null when the whole residual stream passes.</summary>
    [Id(11)]
    public Bottleneck? Bottleneck { get; init; }

    /// <summary>Width of one head.</summary>
    public int HeadSize => HiddenSize / HeadCount;

    /// <summary>Whether a block is the first one after a narrow place.</summary>
    public bool FollowsBottleneck(int block) => Bottleneck is { } bottleneck && bottleneck.Boundaries.Contains(block);

    /// <summary>Width of the activation that passes into a block from the one before, and of the gradient that comes back.</summary>
    /// <param name="block">The block's index.</param>
    public int BoundaryWidth(int block) => FollowsBottleneck(block) ? Bottleneck!.Width : HiddenSize;
}
