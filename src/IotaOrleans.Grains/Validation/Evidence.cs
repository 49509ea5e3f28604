using System.Buffers;
using System.Runtime.InteropServices;

namespace IotaOrleans.Grains.Validation;

/// <summary>Bytes that a segment worked on, by their hashes, in rented memory. Counted: what two segments need is kept once and as long as either needs it.</summary>
/// <remarks>Not safe for several threads.</remarks>
internal sealed class Evidence
{
    private readonly Dictionary<UInt128, Entry> _entries = [];

    /// <summary>Bytes that are kept.</summary>
    public long Bytes { get; private set; }

    /// <summary>Keeps bytes, once more if they are here already.</summary>
    /// <returns>Their hash.</returns>
    public UInt128 Keep(ReadOnlySpan<byte> bytes)
    {
        var hash = EvidenceHash.Of(bytes);
        if (hash == UInt128.Zero)
        {
            return hash;
        }

        if (_entries.TryGetValue(hash, out var entry))
        {
            entry.Users++;
            return hash;
        }

        entry = new Entry(ArrayPool<byte>.Shared.Rent(bytes.Length), bytes.Length);
        bytes.CopyTo(entry.Buffer);
        _entries.Add(hash, entry);
        Bytes += bytes.Length;
        return hash;
    }

    /// <inheritdoc cref="Keep(ReadOnlySpan{byte})" />
    public UInt128 Keep(ReadOnlySpan<float> values) => Keep(MemoryMarshal.AsBytes(values));

    /// <summary>Keeps bytes that are here once more.</summary>
    public UInt128 KeepAgain(UInt128 hash)
    {
        if (hash != UInt128.Zero)
        {
            _entries[hash].Users++;
        }

        return hash;
    }

    /// <summary>Says that a user needs them no longer.</summary>
    public void Release(UInt128 hash)
    {
        if (_entries.TryGetValue(hash, out var entry) && --entry.Users == 0)
        {
            _entries.Remove(hash);
            Bytes -= entry.Length;
            ArrayPool<byte>.Shared.Return(entry.Buffer);
        }
    }

    /// <summary>The bytes, or none when they are not here.</summary>
    public ReadOnlySpan<byte> Find(UInt128 hash) => _entries.TryGetValue(hash, out var entry) ? entry.Buffer.AsSpan(0, entry.Length) : [];

    private sealed class Entry(byte[] buffer, int length)
    {
        public byte[] Buffer { get; } = buffer;

        public int Length { get; } = length;

        public int Users { get; set; } = 1;
    }
}
