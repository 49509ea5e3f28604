namespace IotaOrleans;

/// <summary>How the replicas of a stage work on their own and come together again, in elastic mode.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SwarmSettings")]
public sealed record SwarmSettings
{
    /// <summary>Steps of the run between two merges of a stage (H in DiLoCo; Douillard et al., 2023).</summary>
    [Id(0)]
    public int InnerSteps { get; init; } = 20;

    /// <summary>How the replicas' updates become one.</summary>
    [Id(1)]
    public MergeSettings Merge { get; init; } = new();

    /// <summary>How pseudo-gradients travel.</summary>
    [Id(2)]
    public UpdateFormat UpdateFormat { get; init; }

    /// <summary>The outer optimizer, which turns merged pseudo-gradients into the next version.</summary>
    [Id(3)]
    public OuterSettings Outer { get; init; } = new();

    /// <summary>Backward passes since the last merge below which a replica does not take part in the next one.</summary>
    [Id(4)]
    public int MinimumWork { get; init; } = 1;

    /// <summary>Whether miners are moved to a stage that is too slow.</summary>
    [Id(5)]
    public bool Rebalances { get; init; } = true;
}
