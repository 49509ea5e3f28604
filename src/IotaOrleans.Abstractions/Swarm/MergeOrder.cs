using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>Tells the replicas of a stage how their updates are merged.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeOrder")]
public sealed record MergeOrder
{
    /// <summary>The round.</summary>
    [Id(0)]
    public required long Round { get; init; }

    /// <summary>The replicas that merge, in the order in which their contributions are added.</summary>
    [Id(1)]
    public required ImmutableArray<string> Miners { get; init; }

    /// <summary>Their work, in the same order: the weights of the mean.</summary>
    [Id(2)]
    public required ImmutableArray<double> Weights { get; init; }

    /// <summary>Norms of their whole updates, in the same order.</summary>
    [Id(3)]
    public required ImmutableArray<double> Norms { get; init; }

    /// <summary>The cells and those who reduce them.</summary>
    [Id(4)]
    public required ImmutableArray<MergeCell> Cells { get; init; }

    /// <summary>How they are reduced.</summary>
    [Id(5)]
    public required MergeSettings Settings { get; init; }

    /// <summary>How long a reducer waits for contributions; who has not sent by then is left out.</summary>
    [Id(6)]
    public required TimeSpan Patience { get; init; }
}

/// <summary>A merged cell on its way from one who reduced it to one who did not.</summary>
/// <param name="Cell">Index of the cell.</param>
/// <param name="Sender">Who sends it.</param>
/// <param name="Receiver">Who needs it.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.CellDelivery")]
public sealed record CellDelivery([property: Id(0)] int Cell, [property: Id(1)] string Sender, [property: Id(2)] string Receiver);

/// <summary>Tells the replicas of a stage what was decided about every cell, and who sends which to whom.</summary>
/// <param name="Round">The round.</param>
/// <param name="Cells">The cells.</param>
/// <param name="Decisions">What was decided, one entry per cell.</param>
/// <param name="Deliveries">The cells that are sent.</param>
/// <param name="Contributors">Replicas that merged; a single one has nothing to average, and its weights become the version as they are.</param>
/// <param name="Patience">How long to wait for cells.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.AssemblyOrder")]
public sealed record AssemblyOrder(
    [property: Id(0)] long Round,
    [property: Id(1)] ImmutableArray<MergeCell> Cells,
    [property: Id(2)] ImmutableArray<CellDecision> Decisions,
    [property: Id(3)] ImmutableArray<CellDelivery> Deliveries,
    [property: Id(4)] int Contributors,
    [property: Id(5)] TimeSpan Patience);
