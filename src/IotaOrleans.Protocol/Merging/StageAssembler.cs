using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>Puts a stage together from the merged cells, the same way in every replica.</summary>
public static class StageAssembler
{
    /// <summary>
    /// Fills in every decided cell; a gap keeps the last agreed version. A cell whose bits do not have the decided hash is not used: it was
    /// damaged on the way or its sender lies, and must be fetched from another holder.
    /// </summary>
    /// <param name="map">The merge's map.</param>
    /// <param name="decisions">What was decided, one entry per cell.</param>
    /// <param name="cells">The values of a cell, or empty when they have not come.</param>
    /// <param name="lastAgreed">The flat vector of the last agreed version; zeros when updates are merged, not weights.</param>
    /// <param name="output">Receives the stage.</param>
    /// <returns>Cells that must be fetched again; the stage is complete when there are none.</returns>
    /// <exception cref="ArgumentException">A vector has another length than the map's, or a cell is not settled.</exception>
    public static ImmutableArray<int> Assemble(
        ButterflyMap map, IReadOnlyList<CellDecision> decisions, Func<int, ReadOnlyMemory<float>> cells, ReadOnlySpan<float> lastAgreed, Span<float> output)
    {
        if (lastAgreed.Length != map.Length || output.Length != map.Length)
        {
            throw new ArgumentException($"the map is of {map.Length} values, the last version of {lastAgreed.Length}, the output of {output.Length}", nameof(output));
        }

        lastAgreed.CopyTo(output);
        var wrong = ImmutableArray.CreateBuilder<int>();
        foreach (var cell in map.Cells.Where(cell => cell.Length > 0 && !decisions[cell.Index].IsGap))
        {
            if (decisions[cell.Index] is not { Hash: { } hash, IsOpen: false })
            {
                throw new ArgumentException($"cell {cell.Index} is not settled yet", nameof(decisions));
            }

            var values = cells(cell.Index).Span;
            if (values.Length == cell.Length && CopyHash.Of(values) == hash)
            {
                values.CopyTo(output.Slice((int)cell.Start, (int)cell.Length));
            }
            else
            {
                wrong.Add(cell.Index);
            }
        }

        return wrong.ToImmutable();
    }
}
