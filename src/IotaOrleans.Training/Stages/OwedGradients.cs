using System.Diagnostics;
using IotaOrleans.Training.Lanes;

namespace IotaOrleans.Training.Stages;

/// <summary>
/// Gradients of weights that a shard owes: no neighbour waits for them. The oldest is offered to the silo's other lanes, one at a time, so
/// that they add up in the order of their micro-batches whoever adds them.
/// </summary>
/// <param name="trainer">The stage; all calls come from its lane.</param>
/// <param name="shared">What the silo's lanes do for each other.</param>
/// <param name="wake">Called, on any lane, when other lanes have ended what was offered.</param>
public sealed class OwedGradients(StageTrainer trainer, SharedWork shared, Action wake) : IDisposable
{
    private readonly Queue<long> _owed = new();
    private OfferedGradients? _offered;

    /// <summary>Adds a micro-batch whose gradient of the input is done.</summary>
    public void Add(long microBatch) => _owed.Enqueue(microBatch);

    /// <summary>Whether gradients of a micro-batch are still to be added.</summary>
    public bool Owes(long microBatch) => _offered?.MicroBatch == microBatch || _owed.Contains(microBatch);

    /// <summary>Offers the oldest to other lanes, unless one is offered. Until it has ended, nobody else may touch the stage's gradients.</summary>
    public void Offer()
    {
        if (_offered is null && shared.HasHelpers && _owed.TryDequeue(out var microBatch))
        {
            _offered = new OfferedGradients(microBatch, trainer.TakeBackwardWeights(microBatch), shared, wake);
        }
    }

    /// <summary>Runs the oldest here; if it is offered, what other lanes have not begun of it, beside them.</summary>
    /// <returns>What was added; null when nothing is owed, or other lanes are still at it.</returns>
    public AddedGradients? RunNext()
    {
        if (_offered is not null)
        {
            _offered.RunRest();
            return TakeEnded();
        }

        if (!_owed.TryDequeue(out var microBatch))
        {
            return null;
        }

        using var gradients = trainer.TakeBackwardWeights(microBatch);
        var start = Stopwatch.GetTimestamp();
        gradients.Run();
        return new AddedGradients(microBatch, Stopwatch.GetElapsedTime(start), TimeSpan.Zero);
    }

    /// <summary>What was offered, if it has ended.</summary>
    public AddedGradients? TakeEnded()
    {
        if (_offered is not { IsEnded: true })
        {
            return null;
        }

        using var offered = _offered;
        _offered = null;
        return offered.Result;
    }

    /// <summary>Ends what is offered: runs here what is left of it, and waits for the lanes that are at it.</summary>
    public AddedGradients? Await()
    {
        _offered?.RunRest();
        _offered?.Wait();
        return TakeEnded();
    }

    /// <summary>Adds the oldest in any case: waits for what is offered, or runs it here.</summary>
    /// <exception cref="InvalidOperationException">Nothing is owed.</exception>
    public AddedGradients AddNext() => Await() ?? RunNext() ?? throw new InvalidOperationException("no gradients are owed");

    /// <inheritdoc />
    public void Dispose()
    {
        _offered?.Dispose();
        _offered = null;
    }
}

/// <summary>Gradients of weights that were added to a stage's.</summary>
/// <param name="MicroBatch">The micro-batch.</param>
/// <param name="Elapsed">How long it took, on all lanes together.</param>
/// <param name="Helped">How much of it was on other lanes than the stage's own.</param>
public readonly record struct AddedGradients(long MicroBatch, TimeSpan Elapsed, TimeSpan Helped);
