using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Runs;
using IotaOrleans.Host.Status;
using IotaOrleans.Host.Web;
using Spectre.Console;

namespace IotaOrleans.Host.CommandLine.Status;

/// <summary><c>iota status</c>: all runs at a glance.</summary>
internal sealed class StatusCommand : IotaCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Setting<string?> _runs = RunSettings.RunsFolder();

    private readonly Setting<Uri?> _url = new(
        SettingGroups.Run, "--url", "Ask a cluster's API instead of reading the folder", Values.Address(), null);

    private readonly JsonSettings _output = new();

    public StatusCommand()
        : base("status", "Shows the runs and where each stands.")
    {
        Options.Add(_runs);
        Options.Add(_url);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota status", "The runs of this folder"),
        ("iota status --url http://127.0.0.1:8080", "The runs of a cluster"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var url = _url.Of(parsed);
        var folder = _runs.Of(parsed)!;
        var runs = url is not null ? await AskAsync(url, cancellationToken) : [.. RunFolder.List(folder).Select(RunStatus.Read)];
        runs = await Task.WhenAll(runs.Select(run => WithStagesAsync(run, url, cancellationToken)));
        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(runs, RunEventJson.Options));
        }
        else if (runs.Count == 0)
        {
            await Console.Out.WriteLineAsync($"no runs in {url?.ToString() ?? folder} yet; 'iota train' starts one");
        }
        else
        {
            Write(Consoles.Output(), runs, url is null);
        }

        return (int)ExitCode.Success;
    }

    private static async Task<IReadOnlyList<RunStatus>> AskAsync(Uri url, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = url, Timeout = Patience };
        try
        {
            return await client.GetFromJsonAsync<List<RunStatus>>($"{HostDefaults.ApiPath}/runs", RunEventJson.Options, cancellationToken) ?? [];
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException or TaskCanceledException)
        {
            throw new IotaException(ExitCode.Environment, $"{url} did not answer with a list of runs: {failure.Message}", failure);
        }
    }

    /// <summary>Adds what the stages wait for. A run that ends meanwhile, or whose page cannot be reached from here, is shown without.</summary>
    private static async Task<RunStatus> WithStagesAsync(RunStatus run, Uri? url, CancellationToken cancellationToken)
    {
        if (run.Phase is not RunPhase.Training || (url ?? (run.Page is { } page ? new Uri(page) : null)) is not { } address)
        {
            return run;
        }

        using var client = new HttpClient { BaseAddress = address, Timeout = Patience };
        try
        {
            var path = $"{HostDefaults.ApiPath}/runs/{Uri.EscapeDataString(run.Run)}/phases";
            return run with { Stages = await client.GetFromJsonAsync<List<StageStanding>>(path, RunEventJson.Options, cancellationToken) };
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException || (failure is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return run;
        }
    }

    private static void Write(IAnsiConsole console, IReadOnlyList<RunStatus> runs, bool fromFolder)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumns("run", "phase");
        table.AddColumn(new TableColumn("step").RightAligned());
        table.AddColumn(new TableColumn("loss").RightAligned());
        table.AddColumn(new TableColumn("validation").RightAligned());
        if (fromFolder)
        {
            table.AddColumn(new TableColumn("process").RightAligned());
            table.AddColumn("checkpoint");
        }

        foreach (var run in runs)
        {
            Text[] cells =
            [
                new(run.Run), Phase(run, fromFolder), new($"{Figures.Count(run.Step)}/{Figures.Count(run.Steps)}"), new(Loss(run.Loss)), new(Loss(run.ValidationLoss)),
            ];
            table.AddRow(fromFolder
                ? [.. cells, new Text(run.Process?.ToString(CultureInfo.InvariantCulture) ?? "-"), new Text(run.Checkpoint is { } path ? Path.GetFileName(path) : "-")]
                : cells);
        }

        console.Write(table);
        foreach (var (run, stage) in runs.SelectMany(run => (run.Stages ?? []).Select(stage => (run, stage))))
        {
            console.WriteLine($"{run.Run}, stage {stage.Stage}: {stage.Waits}");
        }

        foreach (var run in runs.Where(run => run.Page is not null))
        {
            console.WriteLine($"{run.Run} is at {run.Page}");
        }

        foreach (var run in runs.Where(run => run.Warning is not null))
        {
            console.WriteLine($"{run.Run}: {run.Warning}");
        }

        foreach (var run in runs.Where(run => run.Failure is not null))
        {
            console.WriteLine($"{run.Run} failed: {run.Failure}");
        }
    }

    private static string Loss(double? loss) => loss is { } value ? Figures.Loss(value) : "-";

    private static Text Phase(RunStatus run, bool fromFolder)
    {
        var (word, color) = run.Phase switch
        {
            _ when fromFolder && run.IsAbandoned => ("broken off", Color.Yellow),
            RunPhase.Finished => ("finished", Color.Green),
            RunPhase.Failed => ("failed", Color.Red),
            RunPhase.Training => ("training", Color.Aqua),
            RunPhase.Created => ("not started", Color.Grey),
            var phase => (phase.ToString().ToLowerInvariant(), Color.Yellow),
        };
        return new Text(word, new Style(color));
    }
}
