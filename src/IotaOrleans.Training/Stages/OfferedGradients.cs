using System.Diagnostics;
using System.Runtime.ExceptionServices;
using IotaOrleans.Training.Lanes;

namespace IotaOrleans.Training.Stages;

/// <summary>
/// The gradients by the weights of one micro-batch, part by part on whichever lanes rest, and on the stage's own when it comes to them. After
/// each part a lane looks whether it has a job of its own: helping keeps its own stage waiting for no longer than that.
/// </summary>
internal sealed class OfferedGradients : IDisposable
{
    private readonly object _gate = new();
    private readonly PendingWeightGradients _gradients;
    private readonly SharedWork _shared;
    private readonly Action _wake;
    private int _begun;
    private int _running;
    private Task? _offer;
    private TimeSpan _elapsed;
    private TimeSpan _helped;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Offers them.</summary>
    public OfferedGradients(long microBatch, PendingWeightGradients gradients, SharedWork shared, Action wake)
    {
        (MicroBatch, _gradients, _shared, _wake) = (microBatch, gradients, shared, wake);
        lock (_gate)
        {
            Offer();
        }
    }

    /// <summary>The micro-batch that they are of.</summary>
    public long MicroBatch { get; }

    /// <summary>Whether all parts were added, or one has failed, and nobody is at any.</summary>
    public bool IsEnded
    {
        get
        {
            lock (_gate)
            {
                return _begun == _gradients.Parts && _running == 0;
            }
        }
    }

    /// <summary>What was added, once it has ended.</summary>
    public AddedGradients Result
    {
        get
        {
            _failure?.Throw();
            return new AddedGradients(MicroBatch, _elapsed, _helped);
        }
    }

    /// <summary>Runs all parts that nobody has begun.</summary>
    public void RunRest()
    {
        while (TryBegin() is { } part)
        {
            Run(part, isHelper: false);
        }
    }

    /// <summary>Waits until nobody is at any part.</summary>
    public void Wait()
    {
        lock (_gate)
        {
            while (_running > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Lets nobody begin another part.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            End();
        }

        Wait();
        _gradients.Dispose();
    }

    private void Help()
    {
        if (TryBegin(isHelper: true) is { } part)
        {
            Run(part, isHelper: true);
            if (IsEnded)
            {
                _wake();
            }
        }
    }

    private int? TryBegin(bool isHelper = false)
    {
        lock (_gate)
        {
            if (isHelper)
            {
                // That offer is taken: there is room for the next one.
                _offer = null;
            }

            if (_begun == _gradients.Parts)
            {
                return null;
            }

            _running++;
            var part = _begun++;
            Offer();
            return part;
        }
    }

    private void Run(int part, bool isHelper)
    {
        var start = Stopwatch.GetTimestamp();
        ExceptionDispatchInfo? failure = null;
        try
        {
            _gradients.Run(part);
        }
        catch (Exception thrown)
        {
            failure = ExceptionDispatchInfo.Capture(thrown);
        }

        lock (_gate)
        {
            var elapsed = Stopwatch.GetElapsedTime(start);
            _elapsed += elapsed;
            _helped += isHelper ? elapsed : TimeSpan.Zero;
            _running--;
            if (failure is not null)
            {
                _failure ??= failure;
                End();
            }

            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Keeps the next part on offer, as long as there is one.</summary>
    private void Offer()
    {
        if (_begun == _gradients.Parts)
        {
            End();
        }
        else if (_offer is null)
        {
            _offer = new Task(Help);
            _shared.Offer(_offer);
        }
    }

    private void End()
    {
        _begun = _gradients.Parts;
        if (_offer is not null)
        {
            _shared.TryWithdraw(_offer);
            _offer = null;
        }
    }
}
