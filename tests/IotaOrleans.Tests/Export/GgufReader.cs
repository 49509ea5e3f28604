using System.Text;

namespace IotaOrleans.Tests.Export;

/// <summary>Reads GGUF files by the format's description, without anything of what writes them.</summary>
internal sealed class GgufReader
{
    private readonly byte[] _file;
    private readonly long _data;

    public GgufReader(string path)
    {
        _file = File.ReadAllBytes(path);
        using var reader = new BinaryReader(new MemoryStream(_file), Encoding.UTF8);
        Encoding.ASCII.GetString(reader.ReadBytes(4)).Should().Be("GGUF");
        Version = reader.ReadUInt32();
        var (tensors, pairs) = (reader.ReadUInt64(), reader.ReadUInt64());
        for (var i = 0UL; i < pairs; i++)
        {
            var key = Text(reader);
            Metadata.Add(key, Value(reader, reader.ReadUInt32()));
        }

        for (var i = 0UL; i < tensors; i++)
        {
            var name = Text(reader);
            long[] innermostFirst = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => (long)reader.ReadUInt64())];
            Tensors.Add(name, new Tensor(innermostFirst, reader.ReadUInt32(), reader.ReadUInt64()));
        }

        _data = (reader.BaseStream.Position + 31) / 32 * 32;
    }

    public uint Version { get; }

    public Dictionary<string, object> Metadata { get; } = [];

    public Dictionary<string, Tensor> Tensors { get; } = [];

    public float[] Read(string name)
    {
        var (shape, type, offset) = Tensors[name];
        (offset % 32).Should().Be(0);
        var count = shape.Aggregate(1L, (product, dimension) => product * dimension);
        return [.. Enumerable.Range(0, (int)count).Select(i => type switch
        {
            0 => BitConverter.ToSingle(_file, (int)(_data + (long)offset) + (4 * i)),
            1 => (float)BitConverter.ToHalf(_file, (int)(_data + (long)offset) + (2 * i)),
            _ => throw new InvalidDataException($"type {type}"),
        })];
    }

    private static object Value(BinaryReader reader, uint type) => type switch
    {
        4 => reader.ReadUInt32(),
        5 => reader.ReadInt32(),
        6 => reader.ReadSingle(),
        7 => reader.ReadByte() switch { 0 => false, 1 => true, var other => throw new InvalidDataException($"truth value {other}") },
        8 => Text(reader),
        9 => Array(reader),
        _ => throw new InvalidDataException($"metadata of type {type}"),
    };

    private static object[] Array(BinaryReader reader)
    {
        var (type, count) = (reader.ReadUInt32(), reader.ReadUInt64());
        return [.. Enumerable.Range(0, (int)count).Select(_ => Value(reader, type))];
    }

    private static string Text(BinaryReader reader) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(reader.ReadBytes((int)reader.ReadUInt64()));

    internal sealed record Tensor(long[] InnermostFirst, uint Type, ulong Offset);
}
