namespace IotaOrleans;

/// <summary>The consecutive decoder blocks that one stage holds.</summary>
/// <param name="First">Index of the first block.</param>
/// <param name="Count">Number of blocks; may be zero for a stage that only embeds or only predicts.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.BlockRange")]
public readonly record struct BlockRange([property: Id(0)] int First, [property: Id(1)] int Count)
{
    /// <summary>Index after the last block.</summary>
    public int End => First + Count;
}
