namespace IotaOrleans.Host.Hosting;

/// <summary>Which silo hosts which miners.</summary>
/// <param name="Embedded">Miners in the control silo's own process.</param>
/// <param name="Silos">Miners of each silo that is a process of its own.</param>
internal sealed record MinerPlan(IReadOnlyList<string> Embedded, IReadOnlyList<IReadOnlyList<string>> Silos)
{
    /// <summary>Deals the stages' miners to the silos in turn, so that neighbours sit apart and all silos carry alike.</summary>
    /// <param name="miners">The miner of each stage.</param>
    /// <param name="silos">Number of silos; zero embeds all miners. Silos that would have none are not started.</param>
    public static MinerPlan Deal(IReadOnlyList<string> miners, int silos) =>
        silos == 0
            ? new MinerPlan(miners, [])
            : new MinerPlan([], [.. Enumerable.Range(0, Math.Min(silos, miners.Count)).Select(silo => miners.Where((_, stage) => stage % silos == silo).ToArray())]);
}
