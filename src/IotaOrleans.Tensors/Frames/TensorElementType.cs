namespace IotaOrleans.Tensors;

/// <summary>Element type of a tensor on the wire. The values are part of the wire format.</summary>
public enum TensorElementType : byte
{
    /// <summary>IEEE 754 single precision.</summary>
    Float32 = 1,

    /// <summary>The upper half of a single: eight bits of exponent, seven of fraction.</summary>
    BFloat16 = 2,

    /// <summary>IEEE 754 double precision.</summary>
    Float64 = 3,

    /// <summary>Bytes; see <see cref="WireTensor"/> for what they mean.</summary>
    Int8 = 4,
}

/// <summary>Sizes of element types.</summary>
public static class TensorElementTypeExtensions
{
    /// <summary>Bytes per element; zero for an unknown type.</summary>
    public static int ByteCount(this TensorElementType type) => type switch
    {
        TensorElementType.Float32 => 4,
        TensorElementType.BFloat16 => 2,
        TensorElementType.Float64 => 8,
        TensorElementType.Int8 => 1,
        _ => 0,
    };
}
