using System.Globalization;
using System.Text;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Host.Plans;

/// <summary>A piece of a chart's line: a pass, or idle time.</summary>
internal readonly record struct ChartSegment(string Text, StageOp? Op);

/// <summary>A simulated step as lines of characters, one per rank, and a time axis.</summary>
internal sealed class ScheduleChart
{
    private const int ColoredPass = 4;
    private const int FinestQuantum = 12;
    private const int AxisLabelSpace = 6;
    private const double Tolerance = 1e-9;

    private readonly ScheduleTimeline _timeline;
    private readonly bool _letters;
    private readonly double _columnsPerTime;
    private readonly int _dotEvery;

    private ScheduleChart(ScheduleTimeline timeline, bool letters, double columnsPerTime, int dotEvery)
    {
        _timeline = timeline;
        _letters = letters;
        _columnsPerTime = columnsPerTime;
        _dotEvery = dotEvery;
    }

    public int Width => Column(_timeline.Makespan);

    /// <summary>Whether every pass is wide enough to be seen.</summary>
    public bool IsComplete => _timeline.Ranks.SelectMany(rank => rank.Ops).All(timed => timed.End <= timed.Start || Column(timed.End) > Column(timed.Start));

    /// <summary>The rows, in rank order.</summary>
    public IEnumerable<IReadOnlyList<ChartSegment>> Rows => _timeline.Ranks.Select(Row);

    /// <summary>Lays a step out in at most so many columns.</summary>
    /// <param name="timeline">The step.</param>
    /// <param name="columns">Columns that there are.</param>
    /// <param name="letters">Whether labels begin with F, B or W, because no colour tells the kinds apart.</param>
    public static ScheduleChart Of(ScheduleTimeline timeline, int columns, bool letters)
    {
        var times = timeline.Ranks.SelectMany(rank => rank.Ops).SelectMany(op => new[] { op.Start, op.End }).Distinct().ToArray();
        var shortest = timeline.Ranks.SelectMany(rank => rank.Ops).Select(op => op.End - op.Start).Where(time => time > Tolerance).DefaultIfEmpty(1).Min();
        var comfortable = letters ? timeline.Ranks.SelectMany(rank => rank.Ops).Max(op => op.Op.ToString().Length) + 1 : ColoredPass;
        for (var part = 1; part <= FinestQuantum; part++)
        {
            var quantum = shortest / part;
            if (!times.All(time => Math.Abs((time / quantum) - Math.Round(time / quantum)) < Tolerance * Math.Max(1, time / quantum)))
            {
                continue;
            }

            // Whole columns per quantum: equal times look equal.
            var each = Math.Min((int)(columns / Math.Round(timeline.Makespan / quantum)), Math.Max(1, comfortable / part));
            if (each > 0)
            {
                return new ScheduleChart(timeline, letters, each / quantum, each * part);
            }

            break;
        }

        return new ScheduleChart(timeline, letters, columns / timeline.Makespan, Math.Max(1, (int)(columns / timeline.Makespan * shortest)));
    }

    /// <summary>Times below the chart.</summary>
    public string Axis()
    {
        var axis = new StringBuilder(new string(' ', Width + AxisLabelSpace));
        var step = TimeAxis.Step(_timeline.Makespan, Math.Max(1, Width / AxisLabelSpace));
        for (var tick = 0; tick * step <= _timeline.Makespan + Tolerance; tick++)
        {
            var label = TimeAxis.Label(tick * step);
            var column = Column(tick * step);
            axis.Remove(column, label.Length).Insert(column, label);
        }

        return axis.ToString().TrimEnd();
    }

    private List<ChartSegment> Row(RankTimeline rank)
    {
        var segments = new List<ChartSegment>();
        var column = 0;
        foreach (var timed in rank.Ops)
        {
            var (start, end) = (Column(timed.Start), Column(timed.End));
            AddIdle(segments, column, start);
            if (end > start)
            {
                segments.Add(new ChartSegment(Label(timed.Op, end - start), timed.Op));
            }

            column = end;
        }

        AddIdle(segments, column, Width);
        return segments;
    }

    private void AddIdle(List<ChartSegment> segments, int from, int to)
    {
        if (to > from)
        {
            segments.Add(new ChartSegment(string.Concat(Enumerable.Range(from, to - from).Select(column => column % _dotEvery == 0 ? '·' : ' ')), null));
        }
    }

    private string Label(StageOp op, int width)
    {
        var number = op.MicroBatch.ToString(CultureInfo.InvariantCulture);
        var letter = op.ToString()[..1];

        // Without room for the chunk's number a small letter says that it is a later one; with colours it is the shade that says so.
        var chunked = op.Chunk > 0 ? letter.ToLowerInvariant() : letter;
        string[] choices = _letters
            ? [op.ToString(), chunked + number, chunked]
            : op.Kind == StageOpKind.BackwardWeights ? [letter + number, letter] : [number];
        var text = choices.FirstOrDefault(choice => choice.Length < width || (choice.Length == width && (_letters || width < 3))) ?? "";
        if (!_letters)
        {
            return text.PadLeft(text.Length + ((width - text.Length) / 2)).PadRight(width);
        }

        // A line shows how long the pass takes, and a gap where the next begins.
        var end = width > 2 ? " " : "";
        return text.Length >= width ? text : text.PadRight(width - end.Length, '─') + end;
    }

    private int Column(double time) => (int)Math.Round(time * _columnsPerTime, MidpointRounding.AwayFromZero);
}
