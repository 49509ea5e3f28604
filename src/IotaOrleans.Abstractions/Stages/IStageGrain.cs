namespace IotaOrleans;

/// <summary>One pipeline stage of a run, keyed by run/stage: who holds it and which weights are canonical.</summary>
[Alias("IotaOrleans.IStageGrain")]
public interface IStageGrain : IGrainWithStringKey
{
    /// <summary>Gives the stage to a miner.</summary>
    [Alias("Assign")]
    Task AssignAsync(BlockRange blocks, string miner);

    /// <summary>Declares the weights after a step canonical.</summary>
    [Alias("Commit")]
    Task CommitAsync(long step);

    /// <summary>The stage's state, or null when it was never assigned.</summary>
    [Alias("Get")]
    Task<StageState?> GetAsync();
}

/// <summary>What a stage grain stores.</summary>
/// <param name="Blocks">The decoder blocks of the stage.</param>
/// <param name="Miner">The miner that holds it.</param>
/// <param name="CanonicalStep">The step after which the canonical weights were taken.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageState")]
public sealed record StageState([property: Id(0)] BlockRange Blocks, [property: Id(1)] string Miner, [property: Id(2)] long CanonicalStep);
