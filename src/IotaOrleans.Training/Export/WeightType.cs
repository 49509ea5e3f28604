using System.Runtime.InteropServices;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Training.Export;

/// <summary>Turns weights from one element type into another.</summary>
internal static class WeightType
{
    /// <summary>Reads a tensor in the asked type. In its own type, its bytes are what they were.</summary>
    public static byte[] Read(ModelDirectory model, string name, SafetensorsDType type)
    {
        var entry = model.Tensors[name];
        var bytes = new byte[checked((int)(entry.ElementCount * type.Size()))];
        if (entry.DType == type)
        {
            model.Read(name, bytes);
            return bytes;
        }

        var values = new float[entry.ElementCount];
        model.ReadSingles(name, values);
        Convert(values, type, bytes);
        return bytes;
    }

    private static void Convert(ReadOnlySpan<float> values, SafetensorsDType type, Span<byte> bytes)
    {
        switch (type)
        {
            case SafetensorsDType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case SafetensorsDType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < values.Length; i++)
                {
                    halves[i] = (Half)values[i];
                }

                break;
            case SafetensorsDType.BF16:
                var upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < values.Length; i++)
                {
                    upper[i] = ToBFloat16(values[i]);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "is no type of weights");
        }
    }

    /// <summary>Rounds to the nearest, and of two as near to the even one.</summary>
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
