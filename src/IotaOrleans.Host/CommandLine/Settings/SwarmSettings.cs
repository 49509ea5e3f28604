using System.CommandLine;
using IotaOrleans.Grains.Hosting;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>How the model is cut and who holds the pieces.</summary>
internal sealed class SwarmSettings : ISettings
{
    public Setting<int?> Stages { get; } = new(
        SettingGroups.Swarm, "--stages", "Pipeline stages, one miner each; at most as many as the model has blocks", Values.Whole(1, 1024).OrNone(), null, "2");

    public Setting<int> Silos { get; } = new(
        SettingGroups.Swarm, "--silos", "Miner silos as processes of their own, on this machine; 0 keeps every miner in this process",
        Values.Whole(0, 64), 0);

    public Setting<int?> MicroBatches { get; } = new(
        SettingGroups.Swarm, "--micro-batches", "Micro-batches per step; must divide the batch size", Values.Whole(1, 65_536).OrNone(), null,
        "by cost: fewer for small models, whose passes have a fixed cost");

    public Setting<TrainingMode> Mode { get; } = new(
        SettingGroups.Swarm, "--mode", "exact: steps end together, the result equals one process; elastic: stages do not wait for each other",
        Values.OneOf(("exact", TrainingMode.Exact), ("elastic", TrainingMode.Elastic)), TrainingMode.Exact);

    public Setting<ScheduleKind> Schedule { get; } = new(
        SettingGroups.Swarm, "--schedule", "Order of forward and backward passes",
        Values.OneOf(("1f1b", ScheduleKind.OneForwardOneBackward), ("gpipe", ScheduleKind.GPipe)), ScheduleKind.OneForwardOneBackward);

    public Setting<TensorTransportKind> Transport { get; } = TensorTransport();

    public IEnumerable<Option> All => [Stages, Silos, MicroBatches, Mode, Schedule, Transport];

    public static Setting<TensorTransportKind> TensorTransport() => new(
        SettingGroups.Swarm, HostDefaults.TransportOption, "How tensors go from silo to silo: over sockets of their own, or in grain calls",
        Values.OneOf(("socket", TensorTransportKind.Socket), ("grains", TensorTransportKind.Grains)), TensorTransportKind.Socket);
}
