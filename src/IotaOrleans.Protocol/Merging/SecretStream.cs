using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Protocol.Merging;

/// <summary>
/// Random numbers that follow from a secret alone, on every platform and for ever: block i is HMAC-SHA-256 of the purpose, the index and i.
/// </summary>
internal sealed class SecretStream
{
    private const int NumbersPerBlock = SHA256.HashSizeInBytes / sizeof(ulong);

    private readonly byte[] _secret;
    private readonly byte[] _message;
    private readonly byte[] _block = new byte[SHA256.HashSizeInBytes];
    private long _numbers;

    /// <summary>Begins a stream that has nothing to do with those of other purposes and indexes.</summary>
    public SecretStream(ReadOnlySpan<byte> secret, string purpose, long index = 0)
    {
        _secret = secret.ToArray();
        _message = [.. Encoding.UTF8.GetBytes(purpose), 0, .. new byte[2 * sizeof(long)]];
        BinaryPrimitives.WriteInt64LittleEndian(_message.AsSpan(^16..^8), index);
    }

    /// <summary>A number from zero to one, one not included, with 53 random bits.</summary>
    public double NextUnit() => (Next() >> 11) * (1.0 / (1L << 53));

    /// <summary>A number from zero to a bound that is not included; each is equally likely.</summary>
    public int Next(int bound)
    {
        // Numbers above the last whole multiple of the bound would favour the small results.
        var limit = ulong.MaxValue - (ulong.MaxValue % (ulong)bound);
        ulong number;
        do
        {
            number = Next();
        }
        while (number >= limit);

        return (int)(number % (ulong)bound);
    }

    /// <summary>Shuffles in place (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var last = items.Length - 1; last > 0; last--)
        {
            var other = Next(last + 1);
            (items[last], items[other]) = (items[other], items[last]);
        }
    }

    private ulong Next()
    {
        var position = (int)(_numbers % NumbersPerBlock);
        if (position == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(_message.AsSpan(^8..), _numbers / NumbersPerBlock);
            HMACSHA256.HashData(_secret, _message, _block);
        }

        _numbers++;
        return BinaryPrimitives.ReadUInt64LittleEndian(_block.AsSpan(position * sizeof(ulong)));
    }
}
