namespace IotaOrleans;

/// <summary>How far the agreement about a cell has come.</summary>
public enum CellStanding
{
    /// <summary>Owners have not reported yet.</summary>
    WaitingForOwners,

    /// <summary>Arbiters were asked and have not reported yet.</summary>
    WaitingForArbiters,

    /// <summary>One version is believed, or the cell is empty.</summary>
    Decided,

    /// <summary>No version is believed: the cell keeps the last agreed one.</summary>
    Disputed,

    /// <summary>All who had a copy are lost: the cell keeps the last agreed version.</summary>
    Missing,
}
