namespace IotaOrleans.Protocol.Schedules;

/// <summary>Who does what among the miners of a stage in exact mode: they hold the same weights, and each runs micro-batches of its own.</summary>
public static class ReplicaWork
{
    /// <summary>Which of a stage's miners runs a micro-batch of a training step.</summary>
    /// <param name="microBatch">The micro-batch within its step, from zero.</param>
    /// <param name="replicas">Miners of the stage.</param>
    public static int ReplicaOf(int microBatch, int replicas) => microBatch % replicas;

    /// <summary>How many micro-batches of a training step a replica runs: the first ones have one more when they do not divide evenly.</summary>
    public static int Count(int microBatches, int replicas, int replica) => (microBatches - replica + replicas - 1) / replicas;

    /// <summary>A replica's micro-batch, by its place among those of the replica.</summary>
    public static int MicroBatchOf(int place, int replicas, int replica) => (place * replicas) + replica;

    /// <summary>The miner of a stage that runs a micro-batch of an order. All evaluate alike, so the first one does.</summary>
    public static string MinerOf(TrainingRunSpecification specification, int stage, WorkKind kind, int microBatch)
    {
        var miners = specification.Miners[stage];
        return miners[kind == WorkKind.Train ? ReplicaOf(microBatch, miners.Length) : 0];
    }
}
