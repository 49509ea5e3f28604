using System.Buffers;

namespace IotaOrleans.Tensors;

/// <summary>Lends memory for frames and counts what is out, so that a leak is a number and not a suspicion.</summary>
public sealed class FramePool
{
    private readonly ArrayPool<byte> _arrays;
    private long _leased;
    private long _leasedBytes;
    private long _mostLeased;

    /// <summary>Creates a pool.</summary>
    /// <param name="maximumByteCount">Largest payload.</param>
    /// <param name="retainedPerSize">Arrays kept for reuse per power of two.</param>
    public FramePool(int maximumByteCount = 64 << 20, int retainedPerSize = 32)
    {
        MaximumByteCount = maximumByteCount;
        _arrays = ArrayPool<byte>.Create(maximumByteCount, retainedPerSize);
    }

    /// <summary>The pool of this process.</summary>
    public static FramePool Shared { get; } = new();

    /// <summary>Largest payload that is lent or accepted.</summary>
    public int MaximumByteCount { get; }

    /// <summary>Leases that are out.</summary>
    public long Leased => Interlocked.Read(ref _leased);

    /// <summary>Bytes that are out.</summary>
    public long LeasedBytes => Interlocked.Read(ref _leasedBytes);

    /// <summary>The most leases that were ever out at a time.</summary>
    public long MostLeased => Interlocked.Read(ref _mostLeased);

    /// <summary>Begins to count <see cref="MostLeased"/> anew.</summary>
    public void ForgetMostLeased() => Interlocked.Exchange(ref _mostLeased, Leased);

    /// <summary>Lends memory.</summary>
    /// <exception cref="FrameFormatException">More than the pool's limit is asked for.</exception>
    public FrameLease Rent(int byteCount)
    {
        if (byteCount < 0 || byteCount > MaximumByteCount)
        {
            throw new FrameFormatException(FrameFault.TooLarge, $"a frame of {byteCount:N0} bytes is over the limit of {MaximumByteCount:N0}");
        }

        var leased = Interlocked.Increment(ref _leased);
        for (var most = MostLeased; leased > most; most = MostLeased)
        {
            Interlocked.CompareExchange(ref _mostLeased, leased, most);
        }

        Interlocked.Add(ref _leasedBytes, byteCount);
        return new FrameLease(this, _arrays.Rent(byteCount), byteCount);
    }

    internal void Return(byte[] array, int byteCount)
    {
        Interlocked.Decrement(ref _leased);
        Interlocked.Add(ref _leasedBytes, -byteCount);
        _arrays.Return(array);
    }
}

/// <summary>Pooled memory with exactly one owner, who disposes it exactly once.</summary>
public sealed class FrameLease : IDisposable
{
    private readonly FramePool _pool;
    private readonly int _byteCount;
    private byte[]? _array;

    internal FrameLease(FramePool pool, byte[] array, int byteCount)
    {
        _pool = pool;
        _array = array;
        _byteCount = byteCount;
    }

    /// <summary>The lent memory.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    public Memory<byte> Memory => new(_array ?? throw new ObjectDisposedException(nameof(FrameLease)), 0, _byteCount);

    /// <summary>Gives the memory back.</summary>
    /// <exception cref="InvalidOperationException">It was given back before: two owners believed the memory was theirs.</exception>
    public void Dispose()
    {
        var array = Interlocked.Exchange(ref _array, null)
            ?? throw new InvalidOperationException("a frame's memory was released twice");
        _pool.Return(array, _byteCount);
    }
}
