using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Doctor;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training;
using Spectre.Console;

namespace IotaOrleans.Host.CommandLine.Doctor;

/// <summary><c>iota doctor</c>: finds out why it would not work before it does not.</summary>
internal sealed class DoctorCommand : IotaCommand
{
    /// <summary>Only loads libtorch; see <see cref="TorchCheck"/>.</summary>
    public const string ProbeOption = "--probe-libtorch";

    private readonly Option<bool> _probe = new(ProbeOption) { Hidden = true };
    private readonly Setting<string?> _runs = RunSettings.RunsFolder();
    private readonly JsonSettings _output = new();

    public DoctorCommand()
        : base("doctor", "Checks that this machine can train, and says how to mend what is missing.")
    {
        Options.Add(_probe);
        Options.Add(_runs);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota doctor", "Check this machine")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_probe))
        {
            await Console.Out.WriteLineAsync(TorchRuntime.Load());
            return (int)ExitCode.Success;
        }

        var runs = _runs.Of(parsed)!;
        IDoctorCheck[] checks =
        [
            new RuntimeCheck(), new TorchCheck(), new ProcessorCheck(), new MemoryCheck(), new DiskCheck(runs), new StorageCheck(runs),
            new LoopbackCheck(), new PortsCheck(), new DataCheck(), new ClockCheck(TimeProvider.System),
        ];
        var json = _output.Json.Of(parsed);
        var console = Consoles.Output();
        var findings = new List<Finding>();
        foreach (var check in checks)
        {
            var finding = await RunAsync(check, cancellationToken);
            findings.Add(finding);
            if (!json)
            {
                Write(console, finding);
            }
        }

        var failed = findings.Count(finding => !finding.Passed);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { passed = failed == 0, findings }, RunEventJson.Options));
        }
        else
        {
            console.Write(failed == 0
                ? new Text("\nThis machine is ready: iota train\n", new Style(Color.Green, decoration: Decoration.Bold))
                : new Text($"\n{failed} of {findings.Count} checks failed\n", new Style(Color.Red, decoration: Decoration.Bold)));
        }

        return (int)(failed == 0 ? ExitCode.Success : ExitCode.Failed);
    }

    private static async Task<Finding> RunAsync(IDoctorCheck check, CancellationToken cancellationToken)
    {
        try
        {
            return await check.RunAsync(cancellationToken);
        }
#pragma warning disable CA1031 // A check that fails in an unforeseen way is a finding, too.
        catch (Exception failure) when (failure is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return Finding.Bad(check.Name, ErrorReport.Describe(failure).Message ?? failure.Message, "run with --verbose and report it");
        }
    }

    private static void Write(IAnsiConsole console, Finding finding)
    {
        var style = new Style(finding.Passed ? Color.Green : Color.Red);
        var grid = new Grid();
        grid.AddColumn(new GridColumn { NoWrap = true, Width = 1, Padding = new Padding(0, 0, 1, 0) });
        grid.AddColumn(new GridColumn { NoWrap = true, Width = 10, Padding = new Padding(0, 0, 1, 0) });
        grid.AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        grid.AddRow(new Text(finding.Passed ? "✓" : "✗", style), new Text(finding.Check, new Style(decoration: Decoration.Dim)), new Text(finding.Detail));
        if (finding.Fix is { } fix)
        {
            grid.AddRow(new Text(""), new Text(""), new Text($"→ {fix}", new Style(Color.Yellow)));
        }

        console.Write(grid);
    }
}
