using System.Globalization;

namespace IotaOrleans;

/// <summary>The key of a shard grain: one miner's copy of one stage of one run.</summary>
/// <param name="Run">The run.</param>
/// <param name="Stage">The stage, from zero.</param>
/// <param name="Miner">The miner.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ShardKey")]
public readonly record struct ShardKey([property: Id(0)] string Run, [property: Id(1)] int Stage, [property: Id(2)] string Miner)
{
    /// <summary>Reads what <see cref="ToString"/> wrote. Runs and miners have no slash in their names.</summary>
    /// <exception cref="FormatException">The key is not of the form run/stage/miner.</exception>
    public static ShardKey Parse(string key)
    {
        var parts = key.Split('/');
        return parts.Length == 3 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var stage)
            ? new ShardKey(parts[0], stage, parts[2])
            : throw new FormatException($"'{key}' is not the key of a shard: expected run/stage/miner");
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Run}/{Stage}/{Miner}");
}
