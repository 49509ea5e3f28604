using System.Text;

namespace IotaOrleans.Training.Export;

/// <summary>
/// Writes a GGUF file of version 3, the format of ggml and llama.cpp: metadata, the list of tensors, and their data, each aligned to 32 bytes.
/// Little-endian throughout.
/// </summary>
internal sealed class GgufWriter : IDisposable
{
    private const uint Magic = 0x46554747;
    private const uint Version = 3;
    private const int Alignment = 32;

    private readonly MemoryStream _metadata = new();
    private readonly BinaryWriter _pairs;
    private readonly List<GgufTensor> _tensors = [];
    private ulong _pairCount;

    public GgufWriter() => _pairs = new BinaryWriter(_metadata, Encoding.UTF8);

    public void Add(string key, uint value)
    {
        Begin(key, ValueType.Unsigned32);
        _pairs.Write(value);
    }

    public void Add(string key, float value)
    {
        Begin(key, ValueType.Float32);
        _pairs.Write(value);
    }

    public void Add(string key, bool value)
    {
        Begin(key, ValueType.Boolean);
        _pairs.Write(value);
    }

    public void Add(string key, string value)
    {
        Begin(key, ValueType.Text);
        Write(_pairs, value);
    }

    public void Add(string key, IReadOnlyCollection<string> values)
    {
        BeginArray(key, ValueType.Text, values.Count);
        foreach (var value in values)
        {
            Write(_pairs, value);
        }
    }

    public void Add(string key, IReadOnlyCollection<int> values)
    {
        BeginArray(key, ValueType.Signed32, values.Count);
        foreach (var value in values)
        {
            _pairs.Write(value);
        }
    }

    /// <summary>Announces a tensor; data follow in the same order.</summary>
    public void Add(GgufTensor tensor) => _tensors.Add(tensor);

    /// <summary>Writes the file.</summary>
    /// <param name="output">Receives it.</param>
    /// <param name="read">Gives the bytes of a tensor, when its turn comes.</param>
    public void Write(Stream output, Func<GgufTensor, byte[]> read)
    {
        using var writer = new BinaryWriter(output, Encoding.UTF8, leaveOpen: true);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write((ulong)_tensors.Count);
        writer.Write(_pairCount);
        _pairs.Flush();
        writer.Write(_metadata.GetBuffer().AsSpan(0, (int)_metadata.Length));
        var offset = 0L;
        foreach (var tensor in _tensors)
        {
            Write(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Count);
            // Innermost first, other than everywhere else.
            foreach (var dimension in tensor.Shape.Reverse())
            {
                writer.Write((ulong)dimension);
            }

            writer.Write((uint)tensor.Type);
            writer.Write((ulong)offset);
            offset = Aligned(offset + tensor.ByteCount);
        }

        foreach (var tensor in _tensors)
        {
            Pad(writer);
            writer.Write(read(tensor));
        }

        Pad(writer);
    }

    public void Dispose() => _pairs.Dispose();

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        var position = writer.BaseStream.Position;
        writer.Write(new byte[Aligned(position) - position]);
    }

    private static long Aligned(long position) => (position + Alignment - 1) / Alignment * Alignment;

    private static void Write(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private void Begin(string key, ValueType type)
    {
        Write(_pairs, key);
        _pairs.Write((uint)type);
        _pairCount++;
    }

    private void BeginArray(string key, ValueType type, int count)
    {
        Begin(key, ValueType.Array);
        _pairs.Write((uint)type);
        _pairs.Write((ulong)count);
    }

    private enum ValueType : uint
    {
        Unsigned32 = 4,
        Signed32 = 5,
        Float32 = 6,
        Boolean = 7,
        Text = 8,
        Array = 9,
    }
}
