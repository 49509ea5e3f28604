using System.Globalization;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Protocol.Schedules;
using Spectre.Console;

namespace IotaOrleans.Host.Plans;

/// <summary>A schedule in a terminal: the chart, what it costs, and the other schedules beside it.</summary>
internal sealed class ScheduleReport(IAnsiConsole console, PipelineShape shape, bool colors)
{
    private const int LabelWidth = 9;
    private const int LiveWidth = 7;
    private const int NarrowestChart = 20;

    private static readonly Style Dim = new(decoration: Decoration.Dim);
    private static readonly Style Bold = new(decoration: Decoration.Bold);
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public void Write(SchedulePlan plan, IReadOnlyList<(ScheduleKind Kind, SchedulePlan? Plan)> all)
    {
        WriteTitle(plan);
        WriteChart(plan);
        WriteFacts(plan);
        console.WriteLine();
        WriteComparison(plan, all);
    }

    /// <summary>A schedule's name, with its chunks when it has several.</summary>
    public static string Name(ScheduleKind kind, int chunks) => ScheduleNames.Name(kind) + (chunks > 1 ? $" ×{chunks}" : "");

    public static string Number(double value) => value.ToString("#,0.###", Culture);

    public static string Share(double share) => (share * 100).ToString("0.0", Culture) + " %";

    private void WriteTitle(SchedulePlan plan)
    {
        console.Write(new Paragraph(Name(plan.Kind, plan.Chunks), Bold)
            .Append($" on {Figures.Plural(shape.Ranks, "rank")}, {Figures.Plural(shape.MicroBatches, "micro-batch", "micro-batches")}\n")
            .Append($"{Costs(shape.Costs)}\n\n", Dim));
    }

    /// <summary>What a micro-batch costs on a rank, as words.</summary>
    public static string Costs(ScheduleCosts costs) =>
        $"per rank: forward {Number(costs.Forward)}, backward {Number(costs.BackwardInput)} for inputs and {Number(costs.BackwardWeights)} for weights, messages {Number(costs.Communication)}";

    private void WriteChart(SchedulePlan plan)
    {
        var label = Math.Max(LabelWidth, $"rank {shape.Ranks - 1}".Length + 1);
        var chart = ScheduleChart.Of(plan.Timeline, Math.Max(NarrowestChart, console.Profile.Width - label - LiveWidth), letters: !colors);
        var rank = 0;
        Line(new Paragraph(new string(' ', label + chart.Width + 1)).Append("live", Dim));
        foreach (var row in chart.Rows)
        {
            var line = new Paragraph($"rank {rank}".PadRight(label), Dim);
            foreach (var segment in row)
            {
                line.Append(segment.Text, segment.Op is { } op ? StyleOf(op, plan.Chunks) : Dim);
            }

            Line(line.Append(" " + Number(plan.PeakLiveOf(plan.Timeline.Ranks[rank])), Dim));
            rank++;
        }

        Line(new Paragraph("time".PadRight(label), Dim).Append(chart.Axis(), Dim));
        console.WriteLine();
        Line(Legend(plan, label));
        if (!chart.IsComplete)
        {
            Line(new Paragraph(new string(' ', label)).Append("too long for this width: the shortest passes are left out; --svg FILE draws all", Dim));
        }

        console.WriteLine();
    }

    private Paragraph Legend(SchedulePlan plan, int label)
    {
        var legend = new Paragraph(new string(' ', label));
        void Entry(StageOpKind kind, string sign, string meaning) =>
            legend.Append(colors ? $" {sign} " : sign, StyleOf(new StageOp(kind), plan.Chunks)).Append($" {meaning}   ", Dim);
        var split = PipelineSchedule.SplitsBackward(plan.Kind);
        Entry(StageOpKind.Forward, colors ? "0" : "F", "forward");
        Entry(StageOpKind.Backward, colors ? "0" : "B", split ? "gradient of inputs" : "backward");
        if (split)
        {
            Entry(StageOpKind.BackwardWeights, "W", "gradient of weights");
        }

        return legend.Append("·", Dim).Append(" idle", Dim).Append(plan.Chunks == 1 ? "" : colors ? "   lighter: later chunk" : "   F0.1, f0, f: in a later chunk", Dim);
    }

    private void WriteFacts(SchedulePlan plan)
    {
        var (timeline, published) = (plan.Timeline, plan.Published);
        var grid = new Grid { Expand = false };
        grid.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        grid.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        grid.AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        void Fact(string name, string value, string meaning) => grid.AddRow(new Text(name, Dim), new Text(value, Bold), new Text(meaning, Dim));

        var each = $"each rank is busy for {Number(timeline.Period - timeline.Idle)} and idle for {Number(timeline.Idle)}";
        if (timeline.Period < timeline.Makespan)
        {
            Fact("makespan", Number(timeline.Makespan), "from the first pass to the end of the last one");
            Fact("period", Number(timeline.Period), $"until the next step, which ranks begin before others have ended this one: {each}");
        }
        else
        {
            Fact("makespan", Number(timeline.Makespan), each);
        }

        Fact("bubble", Share(timeline.BubbleShare), "simulated");
        Fact("", Share(published.Share), $"by {published.Formula} in {published.Source}{(published.Unmet is { } unmet ? $", which asks for {unmet}" : "")}");
        Fact("peak live", Number(plan.PeakLive), plan.Chunks == 1
            ? "micro-batches whose activations a rank keeps at once"
            : $"micro-batches' worth of activations, {timeline.PeakLive} of one chunk each");
        console.Write(grid);
    }

    private void WriteComparison(SchedulePlan plan, IReadOnlyList<(ScheduleKind Kind, SchedulePlan? Plan)> all)
    {
        var yardstick = all.Single(it => it.Kind == ScheduleKind.OneForwardOneBackward).Plan!.Timeline.Period;
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("schedule").NoWrap());
        foreach (var column in new[] { "period", "idle", "bubble", "formula", "peak live", "× 1f1b" })
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        foreach (var (kind, other) in all)
        {
            var style = kind == plan.Kind ? Bold : Style.Plain;
            var name = (kind == plan.Kind ? "▸ " : "  ") + Name(kind, shape.ChunksOf(kind));
            string[] cells = other is null
                ? [name, "-", "-", "-", "-", "-", "-"]
                :
                [
                    name, Number(other.Timeline.Period), Number(other.Timeline.Idle), Share(other.Timeline.BubbleShare), Share(other.Published.Share),
                    Number(other.PeakLive), (other.Timeline.Period / yardstick).ToString("0.000", Culture),
                ];
            table.AddRow(cells.Select(cell => new Text(cell, style)));
        }

        console.Write(table);
        foreach (var (kind, _) in all.Where(it => it.Plan is null))
        {
            console.Write(new Text($"{PipelineSchedule.Objection(kind, shape.Ranks, shape.MicroBatches, shape.ChunksOf(kind))}\n", Dim));
        }
    }

    private void Line(Paragraph paragraph)
    {
        paragraph.Overflow = Overflow.Crop;
        console.Write(paragraph);
        console.WriteLine();
    }

    private Style StyleOf(StageOp op, int chunks)
    {
        if (!colors)
        {
            return Style.Plain;
        }

        var color = PassColor.Of(op, chunks);
        return new Style(ToColor(color.Ink), ToColor(color));
    }

    private static Color ToColor(PassColor color) => new(color.Red, color.Green, color.Blue);
}
