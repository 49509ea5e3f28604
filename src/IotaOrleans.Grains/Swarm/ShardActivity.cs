namespace IotaOrleans.Grains.Swarm;

/// <summary>How busy a shard is, smoothed over its reports, which come at moments of their own.</summary>
internal sealed class ShardActivity
{
    private const double Smoothing = 0.3;

    private double _busyShare = -1;

    /// <summary>Share of the time in which it computed, from 0 to 1.</summary>
    public double BusyShare => Math.Max(0, _busyShare);

    /// <summary>Backward passes in this session.</summary>
    public long BackwardPasses { get; private set; }

    public void Add(SwarmReport report)
    {
        BackwardPasses += report.BackwardPasses;
        if (report.Elapsed > TimeSpan.Zero)
        {
            var share = Math.Min(1, report.Busy / report.Elapsed);
            _busyShare = _busyShare < 0 ? share : _busyShare + (Smoothing * (share - _busyShare));
        }
    }
}
