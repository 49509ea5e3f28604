using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>What happens between steps, and how often.</summary>
internal sealed class RhythmSettings : ISettings
{
    public Setting<int> EvaluationInterval { get; } = new(
        SettingGroups.Rhythm, "--evaluation-interval", "Steps between evaluations on the validation split", Values.Whole(1, int.MaxValue), 250);

    public Setting<int> EvaluationSequences { get; } = new(
        SettingGroups.Rhythm, "--evaluation-sequences", "Sequences of one evaluation", Values.Whole(1, 1_000_000), 256);

    public Setting<int> CheckpointInterval { get; } = new(
        SettingGroups.Rhythm, "--checkpoint-interval", "Steps between checkpoints", Values.Whole(1, int.MaxValue), 500);

    public Setting<int> EpochSteps { get; } = new(
        SettingGroups.Rhythm, "--epoch-steps", "Steps of one reward epoch", Values.Whole(1, int.MaxValue), 100);

    public Setting<long> Emission { get; } = new(
        SettingGroups.Rhythm, "--emission", "Reward units paid per epoch, shared by counted work", Values.Whole(0L, long.MaxValue), 1_000_000);

    public IEnumerable<Option> All => [EvaluationInterval, EvaluationSequences, CheckpointInterval, EpochSteps, Emission];
}
