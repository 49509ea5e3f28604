using System.Diagnostics.CodeAnalysis;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Shards;

/// <summary>Frames that arrived before their turn. Stale and repeated ones are dropped.</summary>
/// <param name="session">The session whose frames are accepted.</param>
/// <param name="capacity">Frames that may wait.</param>
/// <param name="arrived">Called after each accepted frame.</param>
internal sealed class ShardInbox(Guid session, int capacity, Action arrived) : IFrameInbox, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<FrameKey, TensorFrame> _frames = [];
    private long _oldestSequence;
    private bool _closed;

    /// <summary>Frames that wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _frames.Count;
            }
        }
    }

    /// <inheritdoc />
    public int Accept(TensorFrame frame)
    {
        int free;
        lock (_lock)
        {
            var wanted = !_closed && frame.Header.Session == session && frame.Header.Sequence >= _oldestSequence;
            if (!wanted || !_frames.TryAdd(FrameKey.Of(frame.Header), frame))
            {
                frame.Dispose();
                return capacity - _frames.Count;
            }

            free = capacity - _frames.Count;
        }

        arrived();
        return free;
    }

    /// <summary>Whether a frame is there.</summary>
    public bool Contains(FrameKey key)
    {
        lock (_lock)
        {
            return _frames.ContainsKey(key);
        }
    }

    /// <summary>Hands a frame to the caller, who owns it from here on.</summary>
    public bool TryTake(FrameKey key, [NotNullWhen(true)] out TensorFrame? frame)
    {
        lock (_lock)
        {
            return _frames.Remove(key, out frame);
        }
    }

    /// <summary>Drops the frames of orders before this one and refuses new ones: those orders are done.</summary>
    public void Advance(long sequence)
    {
        lock (_lock)
        {
            _oldestSequence = sequence;
            foreach (var (key, frame) in _frames)
            {
                if (key.Sequence < sequence)
                {
                    _frames.Remove(key);
                    frame.Dispose();
                }
            }
        }
    }

    /// <summary>Drops all frames and refuses new ones.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var frame in _frames.Values)
            {
                frame.Dispose();
            }

            _frames.Clear();
        }
    }
}
