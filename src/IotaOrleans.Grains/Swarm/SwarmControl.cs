namespace IotaOrleans.Grains.Swarm;

/// <summary>What a shard tells the control side; none of it makes the lane wait.</summary>
/// <param name="ReportAsync">Delivers a report and brings back micro-batches for the first stage.</param>
/// <param name="Report">Delivers the report of a finished order.</param>
/// <param name="Undelivered">Notes that a frame did not reach a shard.</param>
internal sealed record SwarmControl(
    Func<SwarmReport, Task<SwarmReply>> ReportAsync, Action<ShardReport> Report, Action<ShardKey, Exception> Undelivered)
{
    /// <summary>Says that a shard cannot go on.</summary>
    public void Fail(ShardAssignment assignment, ShardKey shard, Exception failure) => Report(new ShardReport
    {
        Session = assignment.Session,
        Stage = assignment.Stage,
        Miner = shard.Miner,
        Order = new WorkOrder { Sequence = 0, Kind = WorkKind.Train, Step = 0, Epoch = 0 },
        Failure = failure is IotaException ? failure.Message : $"stage {assignment.Stage} failed: {failure.GetType().Name}: {failure.Message.ReplaceLineEndings(" ")}",
    });
}
