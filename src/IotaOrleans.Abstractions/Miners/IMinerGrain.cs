namespace IotaOrleans;

/// <summary>One miner, keyed by its name: what it can do, what it holds, what it has done.</summary>
[Alias("IotaOrleans.IMinerGrain")]
public interface IMinerGrain : IGrainWithStringKey
{
    /// <summary>The miner's silo says that it is there. Repeated calls are heartbeats.</summary>
    [Alias("Report")]
    Task ReportAsync(MinerCapability capability);

    /// <summary>The miner now holds a stage.</summary>
    [Alias("Assign")]
    Task AssignAsync(string run, int stage);

    /// <summary>Adds a closed epoch's work and pay; the same epoch of a run is counted once.</summary>
    [Alias("AddEpoch")]
    Task AddEpochAsync(string run, int epoch, Payslip payslip);

    /// <summary>The miner's state.</summary>
    [Alias("Get")]
    Task<MinerState> GetAsync();
}

/// <summary>What a miner's silo offers.</summary>
/// <param name="Silo">The silo that hosts the miner.</param>
/// <param name="Lanes">Compute lanes, one processor core each.</param>
/// <param name="MemoryBytes">Physical memory of the machine.</param>
/// <param name="Speed">Measured speed of a lane, billions of multiplications per second; zero when it was not measured.</param>
/// <param name="Hardware">The kind of processor and of program, or null when it is not known; work is checked on the same kind.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MinerCapability")]
public sealed record MinerCapability([property: Id(0)] string Silo, [property: Id(1)] int Lanes, [property: Id(2)] long MemoryBytes, [property: Id(3)] double Speed = 0, [property: Id(4)] string? Hardware = null);

/// <summary>What a miner grain stores.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MinerState")]
public sealed record MinerState
{
    /// <summary>The miner's name.</summary>
    [Id(0)]
    public string Miner { get; init; } = "";

    /// <summary>The last report, or null when the miner never reported.</summary>
    [Id(1)]
    public MinerCapability? Capability { get; init; }

    /// <summary>When the miner was last heard of.</summary>
    [Id(2)]
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>The run it works on, or null.</summary>
    [Id(3)]
    public string? Run { get; init; }

    /// <summary>The stage it holds, or null.</summary>
    [Id(4)]
    public int? Stage { get; init; }

    /// <summary>Backward passes in closed epochs, over all runs.</summary>
    [Id(5)]
    public long BackwardPasses { get; init; }

    /// <summary>Tokens trained on in closed epochs, over all runs.</summary>
    [Id(6)]
    public long Tokens { get; init; }

    /// <summary>Reward units earned, over all runs.</summary>
    [Id(7)]
    public long Earned { get; init; }
}
