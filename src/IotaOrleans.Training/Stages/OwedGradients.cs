using System.Diagnostics;
using IotaOrleans.Training.Lanes;

namespace IotaOrleans.Training.Stages;

/// <summary>
/// Gradients of weights that a shard owes: no neighbour waits for them. The oldest is offered to the silo's other lanes, one at a time, so
/// that they add up in the order of their micro-batches whoever adds them.
/// </summary>
/// <param name="trainer">The stage; all calls come from its lane.</param>
/// <param name="shared">What the silo's lanes do for each other.</param>
/// <param name="wake">Called, on any lane, when what was offered has ended.</param>
public sealed class OwedGradients(StageTrainer trainer, SharedWork shared, Action wake) : IDisposable
{
    private readonly Queue<long> _owed = new();
    private Offered? _offered;

    /// <summary>Adds a micro-batch whose gradient of the input is done.</summary>
    public void Add(long microBatch) => _owed.Enqueue(microBatch);

    /// <summary>Offers the oldest to other lanes, unless one is offered. Until it has ended, nobody else may touch the stage's gradients.</summary>
    public void Offer()
    {
        if (_offered is null && shared.HasHelpers && _owed.TryDequeue(out var microBatch))
        {
            _offered = new Offered(microBatch, trainer.TakeBackwardWeights(microBatch));
            _ = _offered.Work.ContinueWith(_ => wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            shared.Offer(_offered.Work);
        }
    }

    /// <summary>Runs the oldest here.</summary>
    /// <returns>What was added; null when nothing is owed, or another lane is at it.</returns>
    public AddedGradients? RunNext()
    {
        if (_offered is null)
        {
            if (!_owed.TryDequeue(out var microBatch))
            {
                return null;
            }

            using var gradients = trainer.TakeBackwardWeights(microBatch);
            return new AddedGradients(microBatch, Timed(gradients));
        }

        return shared.TryWithdraw(_offered.Work) ? RunOffered() : null;
    }

    /// <summary>What another lane has added since the last call, if it has.</summary>
    public AddedGradients? TakeEnded() => _offered is { Work.IsCompleted: true } ? End() : null;

    /// <summary>Ends what is offered: waits for the lane that is at it, or runs it here.</summary>
    public AddedGradients? Await() => _offered is null ? null : shared.TryWithdraw(_offered.Work) ? RunOffered() : End();

    /// <inheritdoc />
    public void Dispose()
    {
        if (_offered is { } offered)
        {
            _offered = null;
            if (!shared.TryWithdraw(offered.Work))
            {
                ((IAsyncResult)offered.Work).AsyncWaitHandle.WaitOne();
            }

            offered.Dispose();
        }
    }

    private AddedGradients RunOffered()
    {
        _offered!.Work.RunSynchronously();
        return End();
    }

    private AddedGradients End()
    {
        using var offered = _offered!;
        _offered = null;
        return new AddedGradients(offered.MicroBatch, offered.Work.GetAwaiter().GetResult());
    }

    private static TimeSpan Timed(PendingWeightGradients gradients)
    {
        var start = Stopwatch.GetTimestamp();
        gradients.Run();
        return Stopwatch.GetElapsedTime(start);
    }

    private sealed class Offered(long microBatch, PendingWeightGradients gradients) : IDisposable
    {
        public long MicroBatch => microBatch;

        public Task<TimeSpan> Work { get; } = new(() => Timed(gradients));

        public void Dispose() => gradients.Dispose();
    }
}

/// <summary>Gradients of weights that were added to a stage's.</summary>
/// <param name="MicroBatch">The micro-batch.</param>
/// <param name="Elapsed">How long it took, on whichever lane.</param>
public readonly record struct AddedGradients(long MicroBatch, TimeSpan Elapsed);
