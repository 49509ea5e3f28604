using System.Diagnostics;
using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Swarm;

/// <summary>What a shard has done since its last report. Used on the lane.</summary>
internal sealed class SwarmTally
{
    private long _since = Stopwatch.GetTimestamp();
    private long _activationBytes;
    private long _updateBytes;

    public List<CompletedMicroBatch> Completed { get; } = [];

    public List<MicroBatchLoss> Losses { get; } = [];

    public int ForwardPasses { get; set; }

    public int BackwardPasses { get; set; }

    public TimeSpan Busy { get; set; }

    /// <summary>Whether somebody waits to hear of it.</summary>
    public bool HasNews => Completed.Count > 0 || Losses.Count > 0 || BackwardPasses > 0;

    /// <summary>Counts a frame that was sent.</summary>
    public void AddSent(FrameKind kind, int bytes) => Interlocked.Add(ref MergeExchange.Takes(kind) ? ref _updateBytes : ref _activationBytes, bytes);

    /// <summary>Makes a report and begins anew.</summary>
    public SwarmReport Take(Guid session, ShardKey shard, int wanted)
    {
        var now = Stopwatch.GetTimestamp();
        var report = new SwarmReport
        {
            Session = session,
            Shard = shard,
            Completed = [.. Completed],
            Losses = [.. Losses],
            Wanted = wanted,
            ForwardPasses = ForwardPasses,
            BackwardPasses = BackwardPasses,
            Busy = Busy,
            Elapsed = Stopwatch.GetElapsedTime(_since, now),
            Sent = new SentBytes(Interlocked.Exchange(ref _activationBytes, 0), Interlocked.Exchange(ref _updateBytes, 0)),
        };
        Completed.Clear();
        Losses.Clear();
        (ForwardPasses, BackwardPasses, Busy, _since) = (0, 0, TimeSpan.Zero, now);
        return report;
    }
}
