namespace IotaOrleans.Protocol.Runs;

/// <summary>Finds replicas that differ: in exact mode all miners of a stage must hold the same bits after every step.</summary>
public static class ReplicaAgreement
{
    /// <summary>What is wrong with the replicas that reported an order, as a line for a person, or null when all of a stage agree.</summary>
    public static string? Objection(IReadOnlyCollection<ShardReport> reports)
    {
        foreach (var stage in reports.GroupBy(report => report.Stage).OrderBy(stage => stage.Key))
        {
            var first = stage.First();
            if (stage.FirstOrDefault(report => report.StateHash != first.StateHash) is { } other)
            {
                return $"after step {first.Order.Step} the weights of stage {stage.Key} differ between {first.Miner} and {other.Miner}: "
                    + "exact mode needs machines that compute the same bits; use one miner per stage, or --mode elastic";
            }
        }

        return null;
    }
}
