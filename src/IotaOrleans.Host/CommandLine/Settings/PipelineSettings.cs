using System.CommandLine;
using System.Net;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.CommandLine.Training;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>How the model is cut and who holds the pieces.</summary>
internal sealed class PipelineSettings : ISettings
{
    public Setting<int?> Stages { get; } = new(
        SettingGroups.Swarm, "--stages", "Pipeline stages; at most as many as the model has blocks", Values.Whole(1, 1024).OrNone(), null, "2");

    public Setting<int?> Miners { get; } = new(
        SettingGroups.Swarm, "--miners", "Miners, at least one per stage, dealt to the stages in turn; those of a stage share its micro-batches", Values.Whole(1, 4096).OrNone(), null, "one per stage");

    public Setting<int?> Chunks { get; } = new(
        SettingGroups.Swarm, "--chunks", "Pieces of the model per miner, for the interleaved schedule", Values.Whole(1, 64).OrNone(), null, "2 if interleaved, else 1");

    public Setting<StageBalance> Balance { get; } = new(
        SettingGroups.Swarm, "--balance", "What the stages' blocks are dealt by: the measured time of the model's parts, or their computed multiplications",
        Values.OneOf(("measured", StageBalance.Measured), ("computed", StageBalance.Computed)), StageBalance.Measured);

    public Setting<int> Silos { get; } = new(
        SettingGroups.Swarm, "--silos", "Miner silos as processes of their own, on this machine; 0 keeps every miner in this process",
        Values.Whole(0, 64), 0);

    public Setting<IReadOnlyList<string>?> RemoteMiners { get; } = new(
        SettingGroups.Swarm, "--remote-miners", "Miners on other machines, several with commas, dealt to the stages in turn; the run begins when all have come with 'iota join'",
        Values.Names("NAME"), null, "none: the miners are here");

    public Setting<IPAddress?> AdvertisedAddress { get; } = ControlAddress();

    public Setting<int> SiloPort { get; } = ControlPort(0);

    public Setting<int?> MicroBatches { get; } = new(
        SettingGroups.Swarm, "--micro-batches", "Micro-batches per step; must divide the batch size", Values.Whole(1, 65_536).OrNone(), null,
        "by cost: fewer for small models, whose passes have a fixed cost");

    public Setting<TrainingMode> Mode { get; } = new(
        SettingGroups.Swarm, "--mode", "exact: steps end together, the result equals one process; elastic: stages do not wait for each other",
        Values.OneOf(("exact", TrainingMode.Exact), ("elastic", TrainingMode.Elastic)), TrainingMode.Exact);

    public Setting<int> InnerSteps { get; } = new(
        SettingGroups.Swarm, "--inner-steps", "Elastic mode: steps between two merges of a stage's miners", Values.Whole(1, 1_000_000), 20);

    public Setting<UpdateFormat> Update { get; } = new(
        SettingGroups.Swarm, "--update", "Elastic mode: how pseudo-gradients travel when a stage merges; topk sends 1 of 64 values in two bits",
        Values.OneOf(("fp32", UpdateFormat.Float32), ("bf16", UpdateFormat.BFloat16), ("int8", UpdateFormat.Int8), ("topk", UpdateFormat.TopK)), UpdateFormat.BFloat16);

    public Setting<int> Owners { get; } = new(
        SettingGroups.Swarm, "--owners", "Elastic mode: miners that reduce each cell of a merge, independently of each other", Values.Whole(1, 16), 2);

    public Setting<MergeRule> MergeRule { get; } = new(
        SettingGroups.Swarm, "--merge-rule", "Elastic mode: mean; clip: updates count no more than three median norms; trim: without the largest and the smallest of each value",
        Values.OneOf(("mean", IotaOrleans.MergeRule.WeightedMean), ("clip", IotaOrleans.MergeRule.NormClip), ("trim", IotaOrleans.MergeRule.TrimmedMean)), IotaOrleans.MergeRule.WeightedMean);

    public Setting<double> OuterLearningRate { get; } = new(
        SettingGroups.Swarm, "--outer-learning-rate", "Elastic mode: how far a merge goes along what the replicas learnt", Values.Number(0, 10, aboveMinimum: true), 0.7);

    public Setting<double> OuterMomentum { get; } = new(
        SettingGroups.Swarm, "--outer-momentum", "Elastic mode: Nesterov momentum of merges, once it has risen", Values.Number(0, 0.999), 0.9);

    public Flag NoRebalance { get; } = new(
        SettingGroups.Swarm, "--no-rebalance", "Elastic mode: never move a miner to a stage that is too slow");

    public Setting<ScheduleKind> Schedule { get; } = new(
        SettingGroups.Swarm, "--schedule", "Order of forward and backward passes; 'iota plan schedule' draws and compares them",
        ScheduleNames.Parser, ScheduleKind.ZeroBubbleDouble);

    public Setting<WireFormat> Wire { get; } = new(
        SettingGroups.Swarm, "--wire", "How activations and gradients travel between stages; int8 and bf16 save bytes and lose digits",
        Values.OneOf(("fp32", WireFormat.Float32), ("bf16", WireFormat.BFloat16), ("int8", WireFormat.Int8)), WireFormat.Float32);

    public Flag Recompute { get; } = new(
        SettingGroups.Swarm, "--recompute", "Keep only the input of a waiting micro-batch and run it forward again: less memory, more work");

    public Setting<TensorTransportKind> Transport { get; } = TensorTransport();

    public IEnumerable<Option> All => [Stages, Miners, Chunks, Balance, Silos, RemoteMiners, AdvertisedAddress, SiloPort, MicroBatches, Mode, InnerSteps, Update, Owners, MergeRule, OuterLearningRate, OuterMomentum, NoRebalance, Schedule, Wire, Recompute, Transport];

    public static Setting<IPAddress?> ControlAddress() => new(
        SettingGroups.Swarm, "--advertised-address", "Address under which other silos reach this one", Values.IPAddress(), IPAddress.Loopback);

    public static Setting<int> ControlPort(int defaultPort) => new(
        SettingGroups.Swarm, "--silo-port", "Port between silos; 0 takes any free one", Values.Whole(0, 65_535), defaultPort);

    public static Setting<TensorTransportKind> TensorTransport() => new(
        SettingGroups.Swarm, HostDefaults.TransportOption, "How tensors go from silo to silo: over sockets of their own, or in grain calls",
        Values.OneOf(("socket", TensorTransportKind.Socket), ("grains", TensorTransportKind.Grains)), TensorTransportKind.Socket);
}
