namespace IotaOrleans.Protocol.Swarm;

/// <summary>
/// Steps of a run whose micro-batches are done in any order: a step is over when as many are done as it has, whichever they are. Its
/// loss is the mean of the losses that became known meanwhile.
/// </summary>
/// <param name="microBatches">Micro-batches of a step.</param>
/// <param name="ahead">Micro-batches that were done before beyond the last step that is over; negative when some of that step are to be done again.</param>
public sealed class StepCounter(int microBatches, long ahead = 0)
{
    private long _completed = ahead;
    private double _sum;
    private int _losses;
    private double _last = double.NaN;

    /// <summary>Whether no step is over that was not taken.</summary>
    public bool IsDrained => _completed < microBatches;

    /// <summary>Adds a loss.</summary>
    public void AddLoss(double loss)
    {
        _sum += loss;
        _losses++;
    }

    /// <summary>Counts a micro-batch.</summary>
    public void Complete() => _completed++;

    /// <summary>
    /// Takes a step that is over. Losses come from other miners than completions: a step that ended before any loss was known waits for one.
    /// </summary>
    public bool TryTake(out double loss)
    {
        loss = _losses > 0 ? _sum / _losses : _last;
        if (IsDrained || double.IsNaN(loss))
        {
            return false;
        }

        _completed -= microBatches;
        (_last, _sum, _losses) = (loss, 0, 0);
        return true;
    }
}
