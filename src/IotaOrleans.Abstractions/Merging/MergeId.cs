using System.Globalization;

namespace IotaOrleans;

/// <summary>The name of one merge, and the key of its grain: one stage of one run in one round.</summary>
/// <param name="Run">The run.</param>
/// <param name="Stage">The stage, from zero.</param>
/// <param name="Round">The stage's round of training and merging, from one.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeId")]
public readonly record struct MergeId([property: Id(0)] string Run, [property: Id(1)] int Stage, [property: Id(2)] long Round)
{
    /// <summary>Reads what <see cref="ToString"/> wrote. Runs have no slash in their names.</summary>
    /// <exception cref="FormatException">The key is not of the form run/stage/round.</exception>
    public static MergeId Parse(string key)
    {
        var parts = key.Split('/');
        return parts.Length == 3
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var stage)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var round)
            ? new MergeId(parts[0], stage, round)
            : throw new FormatException($"'{key}' is not the key of a merge: expected run/stage/round");
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Run}/{Stage}/{Round}");
}
