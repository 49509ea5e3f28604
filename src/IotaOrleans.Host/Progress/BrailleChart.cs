using System.Globalization;

namespace IotaOrleans.Host.Progress;

/// <summary>A curve in Braille cells: two points across and four down per character.</summary>
internal static class BrailleChart
{
    private const int DotsAcross = 2;
    private const int DotsDown = 4;
    private const char Empty = '\u2800';

    // Unicode numbers a cell's dots column by column, except that the fourth row came later.
    private static readonly int[,] Dots = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

    /// <summary>The lines of a chart, the highest values on top; the first and the last are labelled with the extremes.</summary>
    public static IReadOnlyList<(string Label, string Curve)> Draw(IReadOnlyList<LossPoint> points, long firstStep, long lastStep, int width, int height)
    {
        if (points.Count == 0 || width < 1 || height < 1)
        {
            return [];
        }

        var columns = Columns(points, firstStep, lastStep, width * DotsAcross);
        var values = columns.Where(value => !double.IsNaN(value)).ToArray();
        var (low, high) = (values.Min(), values.Max());
        var cells = new int[height, width];
        var previous = -1;
        for (var x = 0; x < columns.Length; x++)
        {
            if (double.IsNaN(columns[x]))
            {
                continue;
            }

            var y = high > low ? (int)Math.Round((high - columns[x]) / (high - low) * ((height * DotsDown) - 1)) : 0;
            var (from, to) = previous < 0 ? (y, y) : (Math.Min(y, previous), Math.Max(y, previous));
            for (var row = from; row <= to; row++)
            {
                cells[row / DotsDown, x / DotsAcross] |= Dots[row % DotsDown, x % DotsAcross];
            }

            previous = y;
        }

        return [.. Enumerable.Range(0, height).Select(row => (Label(row, height, low, high), Line(cells, row, width)))];
    }

    private static double[] Columns(IReadOnlyList<LossPoint> points, long firstStep, long lastStep, int count)
    {
        var sums = new double[count];
        var counts = new int[count];
        var span = Math.Max(1, lastStep - firstStep);
        foreach (var point in points)
        {
            var column = (int)Math.Clamp((double)(point.Step - firstStep) / span * (count - 1), 0, count - 1);
            sums[column] += point.Loss;
            counts[column]++;
        }

        double[] values = [.. sums.Select((sum, column) => counts[column] == 0 ? double.NaN : sum / counts[column])];
        Bridge(values);
        return values;
    }

    /// <summary>Draws straight lines over columns without a point that lie between two with one.</summary>
    private static void Bridge(double[] values)
    {
        var last = -1;
        for (var column = 0; column < values.Length; column++)
        {
            if (double.IsNaN(values[column]))
            {
                continue;
            }

            for (var between = last + 1; last >= 0 && between < column; between++)
            {
                values[between] = values[last] + ((values[column] - values[last]) * (between - last) / (column - last));
            }

            last = column;
        }
    }

    private static string Label(int row, int height, double low, double high)
    {
        var value = row == 0 ? high : row == height - 1 ? low : double.NaN;
        return double.IsNaN(value) ? "" : value.ToString("0.00", CultureInfo.InvariantCulture);
    }

    private static string Line(int[,] cells, int row, int width) =>
        string.Create(width, (cells, row), static (line, state) =>
        {
            for (var column = 0; column < line.Length; column++)
            {
                line[column] = (char)(Empty + state.cells[state.row, column]);
            }
        });
}
