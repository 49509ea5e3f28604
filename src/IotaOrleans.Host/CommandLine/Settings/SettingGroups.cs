namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>The headings of the help, in the order in which they are printed.</summary>
internal static class SettingGroups
{
    public const string Data = "Data";
    public const string Model = "Model";
    public const string Swarm = "Swarm";
    public const string Schedule = "Schedule";
    public const string Costs = "Costs, in any unit of time";
    public const string Training = "Training";
    public const string Rhythm = "Evaluation, checkpoints and rewards";
    public const string Trust = "Checks";
    public const string Run = "Run";
    public const string Sampling = "Sampling";
    public const string Web = "Page and telemetry";
    public const string Output = "Output";

    public static IReadOnlyList<string> Order { get; } = [Data, Model, Swarm, Schedule, Costs, Training, Rhythm, Trust, Run, Sampling, Web, Output];
}
