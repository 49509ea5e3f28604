using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Plans;
using IotaOrleans.Host.Progress;
using IotaOrleans.Protocol.Schedules;
using Spectre.Console;

namespace IotaOrleans.Host.CommandLine.Plan;

/// <summary><c>iota plan schedule</c>: draws a pipeline schedule and compares it with the others.</summary>
internal sealed class PlanScheduleCommand : IotaCommand
{
    private const int MostPassesInPicture = 20_000;
    private const int WidthWithoutTerminal = 160;

    private readonly Setting<ScheduleKind> _schedule = new(
        SettingGroups.Schedule, "--schedule", "Order of forward and backward passes", ScheduleNames.Parser, ScheduleKind.OneForwardOneBackward);

    private readonly Setting<int> _stages = new(SettingGroups.Schedule, "--stages", "Pipeline ranks", Values.Whole(1, 64), 4);

    private readonly Setting<int> _microBatches = new(SettingGroups.Schedule, "--micro-batches", "Micro-batches per step", Values.Whole(1, 1024), 8);

    private readonly Setting<int> _chunks = new(
        SettingGroups.Schedule, "--chunks", "Model chunks per rank of the interleaved schedule; each costs its part of the rank", Values.Whole(1, 8), 2);

    private readonly Setting<double> _forward = Cost("--forward", "Time of a forward pass on a rank", 1, aboveZero: true);
    private readonly Setting<double> _backward = Cost("--backward", "Time of the gradient of the inputs; a whole backward pass also computes that of the weights", 1, aboveZero: true);
    private readonly Setting<double> _weights = Cost("--weights", "Time of the gradient of the weights", 1, aboveZero: false);
    private readonly Setting<double> _communication = Cost("--communication", "Time that a message takes from rank to rank", 0, aboveZero: false);

    private readonly Setting<string?> _svg = new(SettingGroups.Output, "--svg", "Also write the picture to a file", Values.Text("FILE"), null);
    private readonly JsonSettings _output = new();

    public PlanScheduleCommand()
        : base("schedule", "Draws who computes what and when in one step, and measures the idle time.")
    {
        foreach (var option in new Option[] { _schedule, _stages, _microBatches, _chunks, _forward, _backward, _weights, _communication, _svg })
        {
            Options.Add(option);
        }

        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota plan schedule --schedule zb-h1 --stages 4 --micro-batches 8", "Draw a schedule and compare it with the others"),
        ("iota plan schedule --schedule interleaved --chunks 2 --svg schedule.svg", "Also as a picture"),
        ("iota plan schedule --forward 1 --backward 1.2 --weights 0.8 --communication 0.1", "With measured times"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var shape = new PipelineShape(
            _stages.Of(parsed),
            _microBatches.Of(parsed),
            _chunks.Of(parsed),
            new ScheduleCosts(_forward.Of(parsed), _backward.Of(parsed), _weights.Of(parsed), _communication.Of(parsed)));
        var kind = _schedule.Of(parsed);
        var all = Enum.GetValues<ScheduleKind>().Select(it => (Kind: it, Plan: SchedulePlan.Of(it, shape))).ToArray();
        var plan = all.Single(it => it.Kind == kind).Plan
            ?? throw new IotaException(ExitCode.Usage, $"{PipelineSchedule.Objection(kind, shape.Ranks, shape.MicroBatches, shape.ChunksOf(kind))}: change --micro-batches or --stages");
        var picture = _svg.Of(parsed);
        if (picture is not null)
        {
            await DrawAsync(picture, shape, plan, all, cancellationToken);
        }

        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(ScheduleJson.Line(shape, plan, all));
            return (int)ExitCode.Success;
        }

        var console = Consoles.Output();
        console.Profile.Width = Console.IsOutputRedirected ? WidthWithoutTerminal : console.Profile.Width;
        new ScheduleReport(console, shape, console.Profile.Capabilities.ColorSystem != ColorSystem.NoColors).Write(plan, all);
        if (picture is not null)
        {
            console.WriteLine($"picture    {Figures.Place(picture)}");
        }

        return (int)ExitCode.Success;
    }

    private static async Task DrawAsync(
        string file, PipelineShape shape, SchedulePlan plan, IReadOnlyList<(ScheduleKind Kind, SchedulePlan? Plan)> all, CancellationToken cancellationToken)
    {
        if (plan.Passes > MostPassesInPicture)
        {
            throw new IotaException(ExitCode.Usage, $"--svg: a picture of {Figures.Count(plan.Passes)} passes is too large, {Figures.Count(MostPassesInPicture)} is the most: choose fewer --stages or --micro-batches");
        }

        await File.WriteAllTextAsync(file, ScheduleSvg.Draw(shape, plan, all), cancellationToken);
    }

    private static Setting<double> Cost(string name, string description, double fallback, bool aboveZero) =>
        new(SettingGroups.Costs, name, description, Values.Number(0, 1_000_000, aboveMinimum: aboveZero), fallback);
}
