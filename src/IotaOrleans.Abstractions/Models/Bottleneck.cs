using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>
/// The narrow places of a model: between the blocks where it was cut into stages, only a few channels pass. They are part of the model,
/// which is trained with them and cannot be cut elsewhere.
/// </summary>
/// <param name="Width">Channels that pass.</param>
/// <param name="Boundaries">Index of the block after each narrow place, rising: the first block of every stage but the first.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.Bottleneck")]
public sealed record Bottleneck([property: Id(0)] int Width, [property: Id(1)] ImmutableArray<int> Boundaries)
{
    /// <summary>The narrow places between given stages.</summary>
    public static Bottleneck Between(ImmutableArray<BlockRange> stages, int width) => new(width, [.. stages.Skip(1).Select(stage => stage.First)]);

    /// <summary>The stages that a model was cut into.</summary>
    /// <param name="blocks">The model's blocks.</param>
    public ImmutableArray<BlockRange> Stages(int blocks)
    {
        int[] firsts = [0, .. Boundaries], ends = [.. Boundaries, blocks];
        return [.. firsts.Zip(ends, (first, end) => new BlockRange(first, end - first))];
    }

    /// <inheritdoc />
    public bool Equals(Bottleneck? other) => other is not null && Width == other.Width && Boundaries.AsSpan().SequenceEqual(other.Boundaries.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Width, Boundaries.Length, Boundaries.FirstOrDefault());
}
