namespace IotaOrleans;

/// <summary>How the work of a run in elastic mode is checked.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.ValidationSettings")]
public sealed record ValidationSettings
{
    /// <summary>Part of the segments of a miner of good standing that are done again; zero checks nothing and costs nothing.</summary>
    [Id(0)]
    public double Rate { get; init; } = 0.01;

    /// <summary>How many times as often a miner is checked that nothing is known of, or that something speaks against.</summary>
    [Id(1)]
    public double NewcomerFactor { get; init; } = 5;

    /// <summary>Checks passed after which a miner is no newcomer.</summary>
    [Id(2)]
    public int Probation { get; init; } = 3;

    /// <summary>Backward passes of a segment, at least: what is done again at once.</summary>
    [Id(3)]
    public int SegmentPasses { get; init; } = 8;

    /// <summary>Epochs for which a miner is paid nothing that was found to be wrong, the one in which it was found included.</summary>
    [Id(4)]
    public int QuarantineEpochs { get; init; } = 10;

    /// <summary>Whether what a check was made from is kept of those that pass, too.</summary>
    [Id(5)]
    public bool KeepsChecks { get; init; }

    /// <summary>How many times the usual norm of what passes a boundary, or which part of it, is refused and makes its sender suspect; zero looks at no norms. Honest gradients differ a hundredfold while a model is young.</summary>
    [Id(6)]
    public double StrangeRatio { get; init; } = 1000;
}
