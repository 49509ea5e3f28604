using Spectre.Console;
using Spectre.Console.Rendering;

namespace IotaOrleans.Host.Progress;

/// <summary>The picture of a running run in a terminal.</summary>
internal static class LiveView
{
    private const int LabelWidth = 11;
    private const int ChartHeight = 5;
    private const int WidestChart = 72;
    private const int BusyBarWidth = 20;

    private static readonly Style Dim = new(decoration: Decoration.Dim);
    private static readonly Style Bold = new(decoration: Decoration.Bold);
    private static readonly Style Accent = new(Color.Aqua);
    private static readonly Style Good = new(Color.Green);

    public static IRenderable Render(RunProgress progress, int width, string? activity)
    {
        var parts = new List<IRenderable> { new Text(""), Bar(progress, width, activity), new Text("") };
        parts.Add(Line("loss", Losses(progress)));
        parts.Add(Line("speed", Speed(progress)));
        if (progress.Losses.Count > 1)
        {
            var chart = BrailleChart.Draw(progress.Losses, 1, Math.Max(2, progress.Steps), Math.Min(WidestChart, width - LabelWidth - 1), ChartHeight);
            parts.Add(new Text(""));
            parts.AddRange(chart.Select(line => Line(line.Label, new Paragraph(line.Curve, Accent))));
            parts.Add(new Text(""));
        }

        if (progress.Stages.Length > 1)
        {
            parts.Add(Line("bubble", Bubble(progress)));
        }

        parts.AddRange(progress.Stages.Select(stage => Line($"stage {stage.Stage}", Stage(stage))));
        if (progress.Epoch is { } epoch)
        {
            parts.Add(Line("rewards", Rewards(progress, epoch)));
        }

        if (progress.Checkpoint is { } checkpoint)
        {
            parts.Add(Line("checkpoint", new Paragraph(Figures.Place(checkpoint))));
        }

        return new Rows(parts);
    }

    private static Grid Line(string label, IRenderable content)
    {
        // As wide as the terminal, so that nothing else on the line survives, such as an echoed ^C.
        var grid = new Grid { Expand = true };
        grid.AddColumn(new GridColumn { NoWrap = true, Width = LabelWidth, Padding = new Padding(0, 0, 0, 0) });
        grid.AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        return grid.AddRow(new Text(label, Dim), content);
    }

    private static Grid Bar(RunProgress progress, int width, string? activity)
    {
        var share = progress.Steps > 0 ? (double)progress.Step / progress.Steps : 0;
        var now = activity ?? (progress.SecondsRemaining is { } seconds && progress.End is null ? $"{Figures.Duration(seconds)} left" : "");
        var text = $"  {Figures.Count(progress.Step)}/{Figures.Count(progress.Steps)}  {Figures.Share(share).Trim()}  {now}";
        var length = Math.Clamp(width - LabelWidth - text.Length - 1, 10, WidestChart);
        var paragraph = Filled(share, length, '━', '─', Good).Append(text, Bold);
        return Line(Phase(progress), paragraph);
    }

    private static string Phase(RunProgress progress) => progress.End switch
    {
        RunFinished => "finished",
        RunInterrupted => "stopped",
        RunFailed => "failed",
        _ => "training",
    };

    private static Paragraph Losses(RunProgress progress)
    {
        var paragraph = new Paragraph(progress.Loss is { } loss ? Figures.Loss(loss) : "not yet", Bold);
        if (progress.SmoothedLoss is { } smoothed)
        {
            paragraph.Append("  smoothed ", Dim).Append(Figures.Loss(smoothed));
        }

        return progress.Validation is { } validation
            ? paragraph.Append("  validation ", Dim).Append(Figures.Loss(validation.Loss), Good).Append($" at step {Figures.Count(validation.Step)}", Dim)
            : paragraph;
    }

    private static Paragraph Speed(RunProgress progress)
    {
        var paragraph = new Paragraph(Figures.Speed(progress.TokensPerSecond), Bold)
            .Append("  learning rate ", Dim).Append(Figures.Rate(progress.LearningRate));
        return progress.GradientNorm is { } norm
            ? paragraph.Append("  gradient norm ", Dim).Append(Figures.Loss(norm))
            : paragraph;
    }

    private static Paragraph Bubble(RunProgress progress) =>
        new Paragraph(Figures.Share(progress.Bubble).Trim(), Bold)
            .Append("  of the miners' time is idle; the schedule's formula gives ", Dim).Append(Figures.Share(progress.ScheduledBubble).Trim());

    private static Paragraph Stage(StageView stage)
    {
        var blocks = stage.Blocks.Count switch
        {
            0 => "no blocks",
            1 => $"block {stage.Blocks.First}",
            _ => $"blocks {stage.Blocks.First} to {stage.Blocks.End - 1}",
        };
        return Filled(stage.BusyShare, BusyBarWidth, '■', '·', Accent)
            .Append($" {Figures.Share(stage.BusyShare)} busy", Bold)
            .Append($"  {stage.Miner}, {blocks}, {Figures.Short(stage.Parameters)} parameters", Dim);
    }

    private static Paragraph Rewards(RunProgress progress, EpochSettlement epoch)
    {
        var paid = string.Join(", ", progress.Rewards.OrderBy(reward => reward.Stage).Select(reward => $"{reward.Miner} {Figures.Short(reward.Paid)}"));
        return new Paragraph(paid).Append($"  after {Figures.Plural(epoch.Epoch + 1, "epoch")}", Dim);
    }

    private static Paragraph Filled(double share, int length, char full, char empty, Style style)
    {
        var filled = (int)Math.Round(Math.Clamp(share, 0, 1) * length);
        return new Paragraph(new string(full, filled), style).Append(new string(empty, length - filled), Dim);
    }
}
