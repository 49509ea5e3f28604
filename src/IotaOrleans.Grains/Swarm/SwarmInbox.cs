using System.Diagnostics.CodeAnalysis;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Swarm;

/// <summary>Frames in the order in which they arrived, by kind: in elastic mode a shard works on what is there.</summary>
/// <param name="session">The session whose frames are accepted.</param>
/// <param name="capacity">Frames that may wait; more than that is an error of the senders, who are bound by credits.</param>
/// <param name="arrived">Called after each accepted frame.</param>
internal sealed class SwarmInbox(Guid session, int capacity, Action arrived) : IFrameInbox, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<FrameKind, Queue<TensorFrame>> _frames = [];
    private int _count;
    private bool _closed;

    /// <summary>Frames that wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <inheritdoc />
    public int Accept(TensorFrame frame)
    {
        int free;
        lock (_lock)
        {
            if (_closed || frame.Header.Session != session || _count == capacity)
            {
                frame.Dispose();
                return capacity - _count;
            }

            if (!_frames.TryGetValue(frame.Header.Kind, out var queue))
            {
                _frames.Add(frame.Header.Kind, queue = new Queue<TensorFrame>());
            }

            queue.Enqueue(frame);
            free = capacity - ++_count;
        }

        arrived();
        return free;
    }

    /// <summary>Hands the oldest frame of a kind to the caller, who owns it from here on.</summary>
    public bool TryTake(FrameKind kind, [NotNullWhen(true)] out TensorFrame? frame)
    {
        lock (_lock)
        {
            if (_frames.TryGetValue(kind, out var queue) && queue.TryDequeue(out frame))
            {
                _count--;
                return true;
            }
        }

        frame = null;
        return false;
    }

    /// <summary>Drops all frames and refuses new ones.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var frame in _frames.Values.SelectMany(queue => queue))
            {
                frame.Dispose();
            }

            _frames.Clear();
            _count = 0;
        }
    }
}
