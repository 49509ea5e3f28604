using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

/// <summary>Puts a stage together from the merged cells, the same way in every replica.</summary>
public static class StageAssembler
{
    /// <summary>
    /// Fills in every decided cell; a gap keeps what the output held before: the last agreed version, or zeros when updates are merged. A cell whose bits do not have the decided hash is not used: it was
    /// damaged on the way or its sender lies, and must be fetched from another holder.
    /// </summary>
    /// <param name="cells">The merge's cells, in the order of the vector.</param>
    /// <param name="decisions">What was decided, one entry per cell.</param>
    /// <param name="valuesOf">The values of a cell, or empty when they have not come.</param>
    /// <param name="output">Receives the stage.</param>
    /// <returns>Cells that must be fetched again; the stage is complete when there are none.</returns>
    /// <exception cref="ArgumentException">The output has another length than the cells together, or a cell is not settled.</exception>
    public static ImmutableArray<int> Assemble(
        ImmutableArray<MergeCell> cells, IReadOnlyList<CellDecision> decisions, Func<int, ReadOnlyMemory<float>> valuesOf, Span<float> output)
    {
        if (output.Length != cells[^1].End)
        {
            throw new ArgumentException($"the cells are of {cells[^1].End} values, the output of {output.Length}", nameof(output));
        }

        var wrong = ImmutableArray.CreateBuilder<int>();
        foreach (var cell in cells.Where(cell => cell.Length > 0 && !decisions[cell.Index].IsGap))
        {
            if (decisions[cell.Index] is not { Hash: { } hash, IsOpen: false })
            {
                throw new ArgumentException($"cell {cell.Index} is not settled yet", nameof(decisions));
            }

            var values = valuesOf(cell.Index).Span;
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
