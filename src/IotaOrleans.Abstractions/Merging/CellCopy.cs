namespace IotaOrleans;

/// <summary>A miner's report of the copy of a cell that it reduced.</summary>
/// <param name="Cell">Index of the cell.</param>
/// <param name="Miner">An owner of the cell, or an arbiter that was asked.</param>
/// <param name="Hash">Hash of the copy's bits.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.CellCopy")]
public sealed record CellCopy([property: Id(0)] int Cell, [property: Id(1)] string Miner, [property: Id(2)] UInt128 Hash);
