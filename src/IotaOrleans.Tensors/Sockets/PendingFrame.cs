namespace IotaOrleans.Tensors;

/// <summary>A frame on its way over a connection. It completes once its fate is decided and nobody reads its memory any more.</summary>
/// <param name="number">Its number on the connection.</param>
/// <param name="receiver">The shard it is for.</param>
/// <param name="frame">The frame, which stays the caller's.</param>
internal sealed class PendingFrame(ulong number, ShardKey receiver, TensorFrame frame)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource<FrameReply> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<TaskCompletionSource<FrameReply>>? _outcome;
    private bool _writing;

    public ulong Number => number;

    public ShardKey Receiver => receiver;

    public TensorFrame Frame => frame;

    public Task<FrameReply> Completion => _completion.Task;

    /// <summary>Claims the frame's memory for writing, unless its fate is already decided.</summary>
    public bool TryBeginWriting()
    {
        lock (_lock)
        {
            _writing = _outcome is null;
            return _writing;
        }
    }

    public void EndWriting()
    {
        lock (_lock)
        {
            _writing = false;
            if (_outcome is null)
            {
                return;
            }
        }

        _outcome(_completion);
    }

    public void Answer(FrameReply reply) => Decide(completion => completion.TrySetResult(reply));

    public void Fail(Exception failure) => Decide(completion => completion.TrySetException(failure));

    public void Cancel(CancellationToken cancellation) => Decide(completion => completion.TrySetCanceled(cancellation));

    /// <summary>The first decision counts.</summary>
    private void Decide(Action<TaskCompletionSource<FrameReply>> outcome)
    {
        lock (_lock)
        {
            if (_outcome is not null)
            {
                return;
            }

            _outcome = outcome;
            if (_writing)
            {
                return;
            }
        }

        outcome(_completion);
    }
}
