using System.Globalization;
using System.Xml.Linq;
using IotaOrleans.Host.Progress;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Host.Plans;

/// <summary>A schedule as one self-contained SVG: chart, legend, and the other schedules as bars below.</summary>
internal sealed class ScheduleSvg
{
    private const double Margin = 28;
    private const double LabelWidth = 62;
    private const double LiveWidth = 64;
    private const double ChartTop = 124;
    private const double RowHeight = 30;
    private const double RowPitch = 36;
    private const double BarPitch = 28;
    private const double BarHeight = 16;
    private const double LetterWidth = 6.7;
    private const double WidestPass = 60;
    private const double ComfortablePass = 26;
    private const double NarrowestChart = 760;
    private const double WidestChart = 2200;

    private const string Css = """
        svg { color-scheme: light dark; font-family: ui-sans-serif, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif; }
        .page { fill: #ffffff } .title { font-size: 20px; font-weight: 650; fill: #141b2b } .sub { font-size: 13px; fill: #5b6577 }
        .label { font-size: 13px; fill: #333c4e } .small { font-size: 11.5px; fill: #6b7587 } .strong { font-weight: 650 }
        .idle { fill: #eef1f6 } .hatch { stroke: #d5dbe6; stroke-width: 1 } .grid { stroke: #c3cbd8; stroke-width: 1; stroke-dasharray: 2 4 }
        .axis { stroke: #9aa4b5; stroke-width: 1 } .busy { fill: #8793a8 } .gap { fill: #f1b4b4 } .op { font-size: 11.5px; font-weight: 550; text-anchor: middle }
        .end { text-anchor: end } .middle { text-anchor: middle }
        @media (prefers-color-scheme: dark) {
          .page { fill: #10151f } .title { fill: #f1f4fa } .sub { fill: #9aa6ba } .label { fill: #d3dae6 } .small { fill: #94a0b4 }
          .idle { fill: #1b2230 } .hatch { stroke: #2c3648 } .grid { stroke: #3a4559 } .axis { stroke: #66728a } .busy { fill: #7684a0 } .gap { fill: #9c4f55 }
        }
        """;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly PipelineShape _shape;
    private readonly SchedulePlan _plan;
    private readonly IReadOnlyList<(ScheduleKind Kind, SchedulePlan? Plan)> _all;
    private readonly double _unit;
    private readonly double _chartWidth;
    private readonly double _chartBottom;

    private ScheduleSvg(PipelineShape shape, SchedulePlan plan, IReadOnlyList<(ScheduleKind Kind, SchedulePlan? Plan)> all)
    {
        (_shape, _plan, _all) = (shape, plan, all);
        var passes = plan.Timeline.Ranks.SelectMany(rank => rank.Ops).Select(op => op.End - op.Start).Where(time => time > 0).ToArray();
        var makespan = plan.Timeline.Makespan;
        var comfortable = Math.Max(ComfortablePass / passes.Min(), NarrowestChart / makespan);
        _unit = Math.Min(Math.Min(comfortable, Math.Max(WidestPass / passes.Min(), NarrowestChart / makespan)), WidestChart / makespan);
        _chartWidth = makespan * _unit;
        _chartBottom = ChartTop + (shape.Ranks * RowPitch) - (RowPitch - RowHeight);
    }

    private static double Left => Margin + LabelWidth;

    /// <summary>Draws a schedule.</summary>
    public static string Draw(PipelineShape shape, SchedulePlan plan, IReadOnlyList<(ScheduleKind Kind, SchedulePlan? Plan)> all) =>
        new ScheduleSvg(shape, plan, all).Document().ToString(SaveOptions.None) + "\n";

    private XElement Document()
    {
        var width = Left + _chartWidth + LiveWidth + Margin;
        var barsTop = _chartBottom + 76;
        var height = barsTop + (_all.Count * BarPitch) + Margin;
        var title = $"{ScheduleReport.Name(_plan.Kind, _plan.Chunks)} on {Figures.Plural(_shape.Ranks, "rank")}, {Figures.Plural(_shape.MicroBatches, "micro-batch", "micro-batches")}";
        return new XElement(
            Svg + "svg",
            new XAttribute("viewBox", $"0 0 {N(width)} {N(height)}"),
            new XAttribute("width", N(width)),
            new XAttribute("height", N(height)),
            new XAttribute("role", "img"),
            new XElement(Svg + "title", title),
            new XElement(Svg + "style", "\n" + Css + "\n"),
            Hatch(),
            Box("page", 0, 0, width, height, 0),
            Text("title", Margin, 42, title),
            Text("sub", Margin, 64, Summary()),
            Legend(),
            _plan.Timeline.Ranks.Select(Row),
            Axis(),
            Comparison(barsTop));
    }

    private string Summary()
    {
        var (timeline, published) = (_plan.Timeline, _plan.Published);
        return $"makespan {ScheduleReport.Number(timeline.Makespan)}{(timeline.Period < timeline.Makespan ? $", a step every {ScheduleReport.Number(timeline.Period)}" : "")}  ·  bubble {ScheduleReport.Share(timeline.BubbleShare)} "
            + $"({ScheduleReport.Share(published.Share)} by {published.Formula}, {published.Source})  ·  peak live {ScheduleReport.Number(_plan.PeakLive)}";
    }

    private static XElement Hatch() => new(
        Svg + "defs",
        new XElement(
            Svg + "pattern",
            new XAttribute("id", "idle"),
            new XAttribute("width", 7),
            new XAttribute("height", 7),
            new XAttribute("patternUnits", "userSpaceOnUse"),
            new XAttribute("patternTransform", "rotate(45)"),
            Box("idle", 0, 0, 7, 7, 0),
            Line("hatch", 0, 0, 0, 7)));

    private XElement Legend()
    {
        var split = PipelineSchedule.SplitsBackward(_plan.Kind);
        var entries = new List<(string Fill, string Meaning)> { (PassColor.Forward.Hex, "F  forward"), (PassColor.Backward.Hex, split ? "B  gradient of inputs" : "B  backward") };
        if (split)
        {
            entries.Add((PassColor.Weights.Hex, "W  gradient of weights"));
        }

        entries.Add(("url(#idle)", "idle"));
        var legend = new XElement(Svg + "g");
        var x = Margin;
        foreach (var (fill, meaning) in entries)
        {
            legend.Add(Fill(Box("", x, 82, 18, 14, 3), fill), Text("small", x + 25, 93.5, meaning));
            x += 25 + (meaning.Length * LetterWidth) + 18;
        }

        if (_plan.Chunks > 1)
        {
            legend.Add(Text("small", x, 93.5, "lighter: later chunk of the rank"));
        }

        return legend;
    }

    private XElement Row(RankTimeline rank)
    {
        var top = ChartTop + (rank.Rank * RowPitch);
        var name = $"rank {rank.Rank}";
        return new XElement(
            Svg + "g",
            Text("label", Margin, top + 20, name),
            Fill(Box("", Left, top, _chartWidth, RowHeight, 4), "url(#idle)"),
            rank.Ops.Select(timed => Pass(rank.Rank, timed, top)),
            new XElement(
                Svg + "g",
                new XElement(Svg + "title", $"{name}: busy {ScheduleReport.Number(rank.Busy)}, idle {ScheduleReport.Number(rank.Idle)} ({ScheduleReport.Share(rank.BubbleShare)}), peak live {ScheduleReport.Number(_plan.PeakLiveOf(rank))}"),
                Text("small", Left + _chartWidth + 10, top + 19.5, $"live {ScheduleReport.Number(_plan.PeakLiveOf(rank))}")));
    }

    private XElement Pass(int rank, TimedOp timed, double top)
    {
        var (x, width) = (Left + (timed.Start * _unit), (timed.End - timed.Start) * _unit);
        var gap = Math.Min(1, width * 0.08);
        var color = PassColor.Of(timed.Op, _plan.Chunks);
        var pass = new XElement(
            Svg + "g",
            new XElement(Svg + "title", $"{timed.Op} on rank {rank}: {ScheduleReport.Number(timed.Start)} to {ScheduleReport.Number(timed.End)}"),
            Fill(Box("", x, top, Math.Max(0, width - gap), RowHeight, Math.Min(3, width / 5)), color.Hex));

        // Where the highest number has no room, none is written: a row of labels that breaks off says less than none.
        var room = width >= TextWidth((_shape.MicroBatches - 1).ToString(CultureInfo.InvariantCulture)) ? width : 0;
        string[] labels = [timed.Op.ToString(), timed.Op.ToString().Split('.')[0], timed.Op.ToString()[1..].Split('.')[0]];
        if (labels.FirstOrDefault(label => TextWidth(label) <= room) is { } fitting)
        {
            pass.Add(Fill(Text("op", x + ((width - gap) / 2), top + 19.2, fitting), color.Ink.Hex));
        }

        return pass;
    }

    private XElement Axis()
    {
        var axis = new XElement(Svg + "g", Line("axis", Left, _chartBottom + 8, Left + _chartWidth, _chartBottom + 8));
        var step = TimeAxis.Step(_plan.Timeline.Makespan, (int)(_chartWidth / 64));
        for (var tick = 0; tick * step <= _plan.Timeline.Makespan * (1 + 1e-9); tick++)
        {
            var x = Left + (tick * step * _unit);
            axis.Add(Line("axis", x, _chartBottom + 8, x, _chartBottom + 13), Text("small middle", x, _chartBottom + 27, TimeAxis.Label(tick * step)));
        }

        axis.Add(Text("small", Margin, _chartBottom + 27, "time"));
        return axis;
    }

    /// <summary>One bar a schedule: how long the step takes, and how much of it a rank idles.</summary>
    private XElement Comparison(double top)
    {
        const double NameWidth = 124;
        const double FigureWidth = 250;
        var longest = _all.Max(it => it.Plan?.Timeline.Period ?? 0);
        var scale = Math.Max(120, Math.Min(900, Left + _chartWidth + LiveWidth - Margin - NameWidth - FigureWidth)) / longest;
        var bars = new XElement(Svg + "g", Text("small", Margin, top - 14, "the same work by each schedule: busy, and the bubble"));
        var y = top;
        foreach (var (kind, plan) in _all)
        {
            var chosen = kind == _plan.Kind ? " strong" : "";
            bars.Add(Text("label" + chosen, Margin, y + 13, ScheduleReport.Name(kind, _shape.ChunksOf(kind))));
            var x = Margin + NameWidth;
            if (plan is null)
            {
                bars.Add(Text("small", x, y + 12.5, $"needs micro-batches in multiples of {_shape.Ranks}"));
            }
            else
            {
                var (busy, idle) = ((plan.Timeline.Period - plan.Timeline.Idle) * scale, plan.Timeline.Idle * scale);
                bars.Add(
                    Box("busy", x, y, busy, BarHeight, 3),
                    Box("gap", x + busy, y, idle, BarHeight, 3),
                    Text("small" + chosen, x + busy + idle + 10, y + 12.5, $"{ScheduleReport.Number(plan.Timeline.Period)}, bubble {ScheduleReport.Share(plan.Timeline.BubbleShare)}, peak live {ScheduleReport.Number(plan.PeakLive)}"));
            }

            y += BarPitch;
        }

        return bars;
    }

    private static XElement Box(string style, double x, double y, double width, double height, double radius)
    {
        var box = new XElement(Svg + "rect", new XAttribute("x", N(x)), new XAttribute("y", N(y)), new XAttribute("width", N(width)), new XAttribute("height", N(height)));
        if (style.Length > 0)
        {
            box.Add(new XAttribute("class", style));
        }

        if (radius > 0)
        {
            box.Add(new XAttribute("rx", N(radius)));
        }

        return box;
    }

    private static XElement Text(string style, double x, double y, string text) =>
        new(Svg + "text", new XAttribute("class", style), new XAttribute("x", N(x)), new XAttribute("y", N(y)), text);

    private static XElement Line(string style, double x1, double y1, double x2, double y2) =>
        new(Svg + "line", new XAttribute("class", style), new XAttribute("x1", N(x1)), new XAttribute("y1", N(y1)), new XAttribute("x2", N(x2)), new XAttribute("y2", N(y2)));

    private static XElement Fill(XElement element, string fill)
    {
        element.Add(new XAttribute("fill", fill));
        return element;
    }

    private static double TextWidth(string text) => (text.Length * LetterWidth) + 3;

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
