using System.CommandLine;
using System.CommandLine.Help;
using IotaOrleans.Host.CommandLine.Checkpoints;
using IotaOrleans.Host.CommandLine.Cluster;
using IotaOrleans.Host.CommandLine.Database;
using IotaOrleans.Host.CommandLine.Doctor;
using IotaOrleans.Host.CommandLine.Models;
using IotaOrleans.Host.CommandLine.Plan;
using IotaOrleans.Host.CommandLine.Replay;
using IotaOrleans.Host.CommandLine.Rewards;
using IotaOrleans.Host.CommandLine.Status;
using IotaOrleans.Host.CommandLine.Training;

namespace IotaOrleans.Host.CommandLine;

/// <summary>The <c>iota</c> program: every command line ends here in an exit code, and every failure in one line.</summary>
internal static class IotaProgram
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        Command[] commands =
        [
            new TrainCommand(),
            new SampleCommand(),
            new EvalCommand(),
            new CheckModelCommand(),
            new ExportCommand(),
            new ImportCommand(),
            new PlanCommand(),
            new StatusCommand(),
            new WhyCommand(),
            new RewardsCommand(),
            new AuditCommand(),
            new ReplayCommand(),
            new VerifyCommand(),
            new CheckpointsCommand(),
            new DatabaseCommand(),
            new DoctorCommand(),
            new ServeCommand(),
            new JoinCommand(),
        ];
        var root = new RootCommand("Trains one language model over many machines, and pays them for it.");
        foreach (var subcommand in commands)
        {
            root.Subcommands.Add(subcommand);
        }

        foreach (var option in root.Options)
        {
            option.Action = option switch
            {
                HelpOption => new HelpCommandAction(clearsParseErrors: true),
                VersionOption => new VersionAction(),
                _ => option.Action,
            };
        }

        root.Action = new HelpCommandAction(clearsParseErrors: false);
        return await RunAsync(root.Parse(arguments is ["help", .. var command] ? [.. command, "--help"] : arguments));
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        try
        {
            if (parsed.Errors.Count > 0 && parsed.Action is not { ClearsParseErrors: true })
            {
                throw new IotaException(ExitCode.Usage, UsageError.Describe(parsed));
            }

            // Signals belong to the commands: a run stops at a step and writes a checkpoint first.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
#pragma warning disable CA1031 // The one place that turns every failure into a line and an exit code.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return ErrorReport.Write(exception, ErrorReport.IsVerbose(parsed));
        }
    }
}
