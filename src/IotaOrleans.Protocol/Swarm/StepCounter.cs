namespace IotaOrleans.Protocol.Swarm;

/// <summary>
/// Steps of a run whose micro-batches are done in any order: a step is over when as many are done as it has, whichever they are. Its
/// loss is the mean of the losses that became known meanwhile.
/// </summary>
/// <param name="microBatches">Micro-batches of a step.</param>
public sealed class StepCounter(int microBatches)
{
    private int _completed;
    private double _sum;
    private int _losses;
    private double _last = double.NaN;

    /// <summary>Adds a loss.</summary>
    public void AddLoss(double loss)
    {
        _sum += loss;
        _losses++;
    }

    /// <summary>Counts a micro-batch.</summary>
    /// <returns>The step's loss if that ended a step, otherwise null.</returns>
    public double? Complete()
    {
        if (++_completed < microBatches)
        {
            return null;
        }

        // Losses come from other miners than completions: a step may end before any of its losses is here.
        _last = _losses > 0 ? _sum / _losses : _last;
        (_completed, _sum, _losses) = (0, 0, 0);
        return _last;
    }
}
