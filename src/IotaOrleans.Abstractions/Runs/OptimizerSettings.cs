namespace IotaOrleans;

/// <summary>AdamW (Loshchilov and Hutter, 2019) with linear warm-up and cosine decay, and a bound on the global gradient norm.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.OptimizerSettings")]
public sealed record OptimizerSettings
{
    /// <summary>Peak learning rate.</summary>
    [Id(0)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Learning rate at the last step.</summary>
    [Id(1)]
    public double MinimumLearningRate { get; init; } = 1e-4;

    /// <summary>Steps over which the learning rate rises linearly to its peak.</summary>
    [Id(2)]
    public int WarmupSteps { get; init; } = 100;

    /// <summary>Decay of the gradient's running mean.</summary>
    [Id(3)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's running mean.</summary>
    [Id(4)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the root of the second moment.</summary>
    [Id(5)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay of matrices; vectors have none.</summary>
    [Id(6)]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Bound on the norm of the whole model's gradient; zero turns clipping off.</summary>
    [Id(7)]
    public double GradientClip { get; init; } = 1.0;
}
