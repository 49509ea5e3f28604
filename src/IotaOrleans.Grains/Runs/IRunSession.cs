namespace IotaOrleans.Grains.Runs;

/// <summary>One uninterrupted stretch of a run, on the run grain's scheduler.</summary>
internal interface IRunSession
{
    /// <summary>Whether steps, or what follows them, are still under way.</summary>
    bool Active { get; }

    /// <summary>Hands out the first work.</summary>
    void Begin();

    /// <summary>Finishes what is under way, writes a checkpoint and ends.</summary>
    Task StopAsync();

    /// <summary>Takes a shard's report.</summary>
    void Report(ShardReport report);

    /// <summary>Finds out whether the shards are still there, if it would not be noticed otherwise.</summary>
    void Probe();

    /// <summary>A miner's silo is gone, and with it the weights that it held.</summary>
    void ReportLoss(string miner);
}
