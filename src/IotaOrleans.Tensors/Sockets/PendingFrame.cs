namespace IotaOrleans.Tensors;

/// <summary>A frame on its way over a connection. It completes once its fate is decided and nobody reads its memory any more.</summary>
/// <param name="number">Its number on the connection.</param>
/// <param name="receiver">The shard it is for.</param>
/// <param name="frame">The frame, which stays the caller's.</param>
internal sealed class PendingFrame(ulong number, ShardKey receiver, TensorFrame frame)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource<FrameReply> _completion = new();
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

        CompleteElsewhere(_outcome);
    }

    /// <summary>Answers on the calling thread, which reads the answers: waking another one would take a good part of a small frame's time.</summary>
    public void Answer(FrameReply reply) => Decide(completion => completion.TrySetResult(reply), outcome => outcome(_completion));

    public void Fail(Exception failure) => Decide(completion => completion.TrySetException(failure), CompleteElsewhere);

    public void Cancel(CancellationToken cancellation) => Decide(completion => completion.TrySetCanceled(cancellation), CompleteElsewhere);

    /// <summary>The caller may hold locks of the connection.</summary>
    private void CompleteElsewhere(Action<TaskCompletionSource<FrameReply>> outcome) => ThreadPool.UnsafeQueueUserWorkItem(outcome, _completion, preferLocal: false);

    /// <summary>The first decision counts.</summary>
    private void Decide(Action<TaskCompletionSource<FrameReply>> outcome, Action<Action<TaskCompletionSource<FrameReply>>> complete)
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

        complete(outcome);
    }
}
