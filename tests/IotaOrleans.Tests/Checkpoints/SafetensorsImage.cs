using System.Buffers.Binary;
using System.Text;

namespace IotaOrleans.Tests.Checkpoints;

/// <summary>Builds safetensors files byte by byte, so that they can be wrong on purpose.</summary>
internal static class SafetensorsImage
{
    /// <summary>Two tensors: <c>a</c>, F32 [2, 2], and <c>b</c>, BF16 [3].</summary>
    public static byte[] Valid() => Of(
        """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]}}""",
        dataLength: 22);

    public static byte[] Of(string json, int dataLength) => Of(Encoding.UTF8.GetBytes(json), dataLength);

    public static byte[] Of(byte[] json, int dataLength)
    {
        var image = new byte[8 + json.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(image, json.Length);
        json.CopyTo(image, 8);
        return image;
    }
}
