namespace IotaOrleans;

/// <summary>
/// The outer optimizer of local training: Nesterov's momentum over averaged pseudo-gradients (Douillard et al., 2023, "DiLoCo"), its momentum
/// rising over the first rounds as IOTA's does.
/// </summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.OuterSettings")]
public sealed record OuterSettings
{
    /// <summary>The replicas' mean as it is, without momentum.</summary>
    public static OuterSettings Mean { get; } = new() { LearningRate = 1, Momentum = 0, FirstMomentum = 0 };

    /// <summary>Learning rate.</summary>
    [Id(0)]
    public double LearningRate { get; init; } = 0.7;

    /// <summary>Momentum once it has risen.</summary>
    [Id(1)]
    public double Momentum { get; init; } = 0.9;

    /// <summary>Momentum of the first round.</summary>
    [Id(2)]
    public double FirstMomentum { get; init; } = 0.5;

    /// <summary>Rounds over which the momentum rises linearly; the last of them has all of it.</summary>
    [Id(3)]
    public int MomentumWarmupRounds { get; init; } = 20;

    /// <summary>Momentum of a round.</summary>
    /// <param name="round">The round, from one.</param>
    public double MomentumAt(long round) => round >= MomentumWarmupRounds
        ? Momentum
        : FirstMomentum + ((Momentum - FirstMomentum) * (round - 1) / (MomentumWarmupRounds - 1));
}
