using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>What is decided about one cell.</summary>
/// <param name="Cell">Index of the cell.</param>
/// <param name="Standing">How far it has come.</param>
/// <param name="Hash">Hash of the believed version, or null.</param>
/// <param name="Holders">Living miners that have the believed version, the primary first: they share the sending.</param>
/// <param name="Waiting">Who is waited for.</param>
/// <param name="Against">Who reported another version than the believed one, owners and arbiters.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.CellDecision")]
public sealed record CellDecision(
    [property: Id(0)] int Cell,
    [property: Id(1)] CellStanding Standing,
    [property: Id(2)] UInt128? Hash,
    [property: Id(3)] ImmutableArray<string> Holders,
    [property: Id(4)] ImmutableArray<string> Waiting,
    [property: Id(5)] ImmutableArray<string> Against)
{
    /// <summary>Whether somebody is waited for.</summary>
    public bool IsOpen => Standing is CellStanding.WaitingForOwners or CellStanding.WaitingForArbiters;

    /// <summary>Whether the cell keeps the last agreed version.</summary>
    public bool IsGap => Standing is CellStanding.Disputed or CellStanding.Missing;
}
