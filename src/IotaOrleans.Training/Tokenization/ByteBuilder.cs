using System.Text;

namespace IotaOrleans.Training.Tokenization;

/// <summary>Collects the bytes of decoded tokens; only the whole is read as UTF-8, for a token may hold half a symbol.</summary>
internal sealed class ByteBuilder(int capacity)
{
    private readonly List<byte> _bytes = new(capacity);

    public void Add(byte value) => _bytes.Add(value);

    public void Add(ReadOnlySpan<byte> values) => _bytes.AddRange(values);

    public void AddReplacement() => _bytes.AddRange("\uFFFD"u8);

    public string ToText() => Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes));
}
