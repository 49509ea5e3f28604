using System.Collections.Frozen;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>Sizes and spellings of <see cref="SafetensorsDType"/>.</summary>
public static class SafetensorsDTypeExtensions
{
    private static readonly FrozenDictionary<string, SafetensorsDType> ByText =
        Enum.GetValues<SafetensorsDType>().ToFrozenDictionary(type => type.ToText(), StringComparer.Ordinal);

    /// <summary>Bytes per element.</summary>
    public static int Size(this SafetensorsDType type) => type switch
    {
        SafetensorsDType.Bool or SafetensorsDType.U8 or SafetensorsDType.I8 => 1,
        SafetensorsDType.U16 or SafetensorsDType.I16 or SafetensorsDType.F16 or SafetensorsDType.BF16 => 2,
        SafetensorsDType.U32 or SafetensorsDType.I32 or SafetensorsDType.F32 => 4,
        SafetensorsDType.U64 or SafetensorsDType.I64 or SafetensorsDType.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>Whether the type can be read as single-precision weights.</summary>
    public static bool IsWeight(this SafetensorsDType type) =>
        type is SafetensorsDType.F32 or SafetensorsDType.F16 or SafetensorsDType.BF16;

    /// <summary>The spelling in the file, for example <c>BF16</c>.</summary>
    public static string ToText(this SafetensorsDType type) => type.ToString().ToUpperInvariant();

    /// <summary>Reads the spelling of the file; case matters.</summary>
    public static bool TryParse(string text, out SafetensorsDType type) => ByText.TryGetValue(text, out type);
}
