namespace IotaOrleans.Grains.Swarm;

/// <summary>How busy a shard is, smoothed over its reports, which come at moments of their own.</summary>
internal sealed class ShardActivity
{
    private const double Smoothing = 0.1;

    private double _busyShare = -1;

    /// <summary>Share of the time in which it computed, from 0 to 1.</summary>
    public double BusyShare => Math.Max(0, _busyShare);

    /// <summary>Backward passes in this session.</summary>
    public long BackwardPasses { get; private set; }

    /// <summary>Seconds of computing per micro-batch, smoothed; zero before the first.</summary>
    public double SecondsPerMicroBatch { get; private set; }

    /// <summary>Micro-batches that were measured.</summary>
    public long Measured { get; private set; }

    /// <summary>What was measured before the swarm changed says nothing of now.</summary>
    public void Forget() => (_busyShare, SecondsPerMicroBatch, Measured) = (-1, 0, 0);

    public void Add(SwarmReport report)
    {
        BackwardPasses += report.BackwardPasses;
        Measured += report.BackwardPasses;
        if (report.BackwardPasses > 0)
        {
            var seconds = report.Busy.TotalSeconds / report.BackwardPasses;
            SecondsPerMicroBatch = SecondsPerMicroBatch == 0 ? seconds : SecondsPerMicroBatch + (Smoothing * (seconds - SecondsPerMicroBatch));
        }

        if (report.Elapsed > TimeSpan.Zero)
        {
            var share = Math.Min(1, report.Busy / report.Elapsed);
            _busyShare = _busyShare < 0 ? share : _busyShare + (Smoothing * (share - _busyShare));
        }
    }
}
