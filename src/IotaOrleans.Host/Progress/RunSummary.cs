using Spectre.Console;

namespace IotaOrleans.Host.Progress;

/// <summary>What is printed when a session ends.</summary>
internal static class RunSummary
{
    private static readonly Style Label = new(decoration: Decoration.Dim);

    public static void Write(IAnsiConsole console, RunProgress progress, RunEnding ending)
    {
        console.WriteLine();
        switch (ending.Event)
        {
            case RunFinished finished:
                WriteFinished(console, progress, finished, ending.Sample);
                break;
            case RunInterrupted:
                console.Write(new Text($"{progress.Run} stopped at step {Figures.Count(progress.Step)} of {Figures.Count(progress.Steps)}\n", Bold(Color.Yellow)));
                WriteCheckpoint(console, progress.Checkpoint);
                break;
            case RunFailed failed:
                console.Write(new Text($"{progress.Run} failed at step {Figures.Count(progress.Step)}: {failed.Failure}\n", Bold(Color.Red)));
                WriteCheckpoint(console, progress.Checkpoint);
                break;
        }

        if (ending.ResumeCommand is { } command)
        {
            Line(console, "resume", command);
        }
    }

    private static void WriteFinished(IAnsiConsole console, RunProgress progress, RunFinished finished, string? sample)
    {
        console.Write(new Text($"{progress.Run} finished {Figures.Count(finished.Step)} steps in {Figures.Duration(finished.Seconds)}\n", Bold(Color.Green)));
        Line(console, "validation", $"loss {Figures.Loss(finished.ValidationLoss)}, perplexity {Figures.Short(Math.Exp(finished.ValidationLoss))}");
        Line(console, "speed", Figures.Speed(finished.TokensPerSecond));
        WriteCheckpoint(console, finished.Checkpoint);
        console.WriteLine();
        console.Write(Earnings(finished.Rewards));
        if (!string.IsNullOrEmpty(sample))
        {
            console.WriteLine();
            console.Write(new Text("what the model writes\n", Label));
            console.Write(new Padder(new Text(sample.Trim()), new Padding(2, 0, 2, 0)));
            console.WriteLine();
        }
    }

    private static Table Earnings(IReadOnlyCollection<MinerReward> rewards)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("miner");
        table.AddColumn(new TableColumn("stage").RightAligned());
        table.AddColumn(new TableColumn("backward passes").RightAligned());
        table.AddColumn(new TableColumn("tokens").RightAligned());
        table.AddColumn(new TableColumn("earned").RightAligned());
        foreach (var reward in rewards)
        {
            table.AddRow(
                new Text(reward.Miner), new Text(Figures.Count(reward.Stage)), new Text(Figures.Count(reward.BackwardPasses)),
                new Text(Figures.Count(reward.Tokens)), new Text(Figures.Count(reward.Paid), new Style(Color.Green)));
        }

        return table;
    }

    private static void WriteCheckpoint(IAnsiConsole console, string? checkpoint) =>
        Line(console, "checkpoint", checkpoint is null ? "none was written yet" : Figures.Place(checkpoint));

    private static void Line(IAnsiConsole console, string label, string text)
    {
        console.Write(new Text($"{label,-11}", Label));
        console.Profile.Out.Writer.WriteLine(text);
    }

    private static Style Bold(Color color) => new(color, decoration: Decoration.Bold);
}
