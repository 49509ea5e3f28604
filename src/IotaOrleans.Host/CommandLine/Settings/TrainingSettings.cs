using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>How long and how fast the model learns. What is not given comes from the preset.</summary>
internal sealed class TrainingSettings : ISettings
{
    private const string ByPreset = "by preset";

    public Setting<long?> Steps { get; } = new(
        SettingGroups.Training, "--steps", "Optimizer steps", Values.Whole(1L, long.MaxValue).OrNone(), null, ByPreset);

    public Setting<int?> BatchSize { get; } = new(
        SettingGroups.Training, "--batch-size", "Sequences per step", Values.Whole(1, 65_536).OrNone(), null, ByPreset);

    public Setting<double?> LearningRate { get; } = new(
        SettingGroups.Training, "--learning-rate", "Peak learning rate", Values.Number(0, 10, aboveMinimum: true).OrNone(), null, ByPreset);

    public Setting<double?> MinimumLearningRate { get; } = new(
        SettingGroups.Training, "--min-learning-rate", "Learning rate at the last step", Values.Number(0, 10).OrNone(), null, "a tenth of the peak");

    public Setting<int?> WarmupSteps { get; } = new(
        SettingGroups.Training, "--warmup-steps", "Steps over which the learning rate rises", Values.Whole(0, int.MaxValue).OrNone(), null,
        "by preset, at most a tenth of the steps");

    public Setting<double?> WeightDecay { get; } = new(
        SettingGroups.Training, "--weight-decay", "Decoupled weight decay of matrices", Values.Number(0, 10).OrNone(), null, ByPreset);

    public Setting<double?> Beta1 { get; } = new(
        SettingGroups.Training, "--beta1", "AdamW's decay of the gradient's mean", Values.Number(0, 0.999999).OrNone(), null, ByPreset);

    public Setting<double?> Beta2 { get; } = new(
        SettingGroups.Training, "--beta2", "AdamW's decay of the squared gradient's mean", Values.Number(0, 0.999999).OrNone(), null, ByPreset);

    public Setting<double?> GradientClip { get; } = new(
        SettingGroups.Training, "--gradient-clip", "Bound on the norm of the whole model's gradient; 0 turns it off", Values.Number(0).OrNone(), null, ByPreset);

    public Setting<ulong> Seed { get; } = new(
        SettingGroups.Training, "--seed", "Determines initial weights and data order", Values.Whole(0UL, ulong.MaxValue), 1);

    public IEnumerable<Option> All =>
        [Steps, BatchSize, LearningRate, MinimumLearningRate, WarmupSteps, WeightDecay, Beta1, Beta2, GradientClip, Seed];
}
